"""The service around the model: settings, images, prediction with its caches, HTTP application, commands."""
