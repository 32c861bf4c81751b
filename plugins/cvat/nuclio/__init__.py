"""The Nuclio function: the contents of this folder are what `nuctl deploy --path` puts into its image."""
