"""The screens: each combines widgets and turns keys and clicks into the trader's actions."""
