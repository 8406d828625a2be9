"""The stack on one machine without docker: what `make tools`, `make up`, `make down` and the demo run."""
