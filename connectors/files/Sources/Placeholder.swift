/// The connector's place, until its first code arrives.
