"""What ``python -m mystyle.pretrain report`` measures, one module per kind of evidence, and the page that shows it."""
