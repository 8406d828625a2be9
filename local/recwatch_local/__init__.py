"""The stack on one machine without docker: `make tools`, `make up`, `make down`, and what the demo is built on."""
