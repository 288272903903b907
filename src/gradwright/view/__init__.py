"""What is shown, made of plain data alone: words and numbers, SVG, and computation graphs to look into."""
