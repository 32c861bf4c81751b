"""The paper's own networks, section 3 to the letter: dilated ResNet-101, pyramid pooling, RoIAlign, light head."""
