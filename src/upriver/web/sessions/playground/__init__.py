"""The playground: a network, or two side by side, trained on points of a plane."""
