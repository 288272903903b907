"""What `populations.py` measures: the jobs, and who does them, one contender a file."""
