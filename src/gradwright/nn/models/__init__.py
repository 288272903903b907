"""Ready networks: ``gradwright.nn.models``."""

__all__: list[str] = []
