"""What runs on your machine: settings, the catalogue, the embedded AWS, the demo."""
