package neo4j

// URI is the address that the connection names, without credentials, for clients that are to log in there.
func (s *System) URI() string { return s.uri.String() }
