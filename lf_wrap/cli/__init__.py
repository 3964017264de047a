"""The commands: one thin module each, loaded only when called."""
