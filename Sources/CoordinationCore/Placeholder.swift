/// The layer's place, until its first code arrives.
