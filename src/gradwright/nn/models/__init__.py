"""Ready networks: ``gradwright.nn.models``."""

from gradwright.nn.models.convolutional import LeNet, ResNet
from gradwright.nn.models.dense import MLP, HighwayNetwork
from gradwright.nn.models.gpt import GPT
from gradwright.nn.models.words import RecurrentTagger, WindowClassifier, WindowTagger

__all__ = ["GPT", "MLP", "HighwayNetwork", "LeNet", "RecurrentTagger", "ResNet", "WindowClassifier", "WindowTagger"]
