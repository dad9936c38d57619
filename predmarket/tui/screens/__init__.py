"""The screens: each puts widgets together and turns keys and clicks into actions of the trader."""
