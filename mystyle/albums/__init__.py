"""Albums: any folder of photos becomes a person, aligned, filtered and split (``mystyle.albums.curate``)."""
