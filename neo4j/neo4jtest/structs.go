package neo4jtest

import "time"

// The values of Cypher that PackStream sends as structures (docs: "Structure semantics", Bolt manual). A result's rows may hold them at any depth;
// a client may send the temporal and spatial ones as parameters, never a node, relationship or path.

// node is a node of a graph. elementID travels from Bolt 5.0; id is the old numeric identity.
type node struct {
	id         int64
	elementID  string
	labels     []string
	properties map[string]any
}

// relationship joins the nodes start and end.
type relationship struct {
	id, start, end                          int64
	elementID, startElementID, endElementID string
	kind                                    string
	properties                              map[string]any
}

// walk is a path. nodes and relationships hold each element once, in order of first visit; indices alternates relationship (from 1, negative when walked
// against its direction) and node (from 0) for every hop.
type walk struct {
	nodes         []node
	relationships []relationship
	indices       []int64
}

// date counts days since 1970-01-01.
type date struct{ days int64 }

// localTime counts nanoseconds since midnight.
type localTime struct{ nanos int64 }

// zonedTime is a time of day with its offset from UTC in seconds.
type zonedTime struct{ nanos, offset int64 }

// localDateTime counts seconds and nanoseconds since 1970-01-01T00:00 in an unnamed zone.
type localDateTime struct{ seconds, nanos int64 }

// dateTime is an instant (seconds and nanoseconds since 1970-01-01T00:00Z) in a zone, given by offset in seconds or, when zone is not "", by its IANA name.
type dateTime struct {
	seconds, nanos, offset int64
	zone                   string
}

// duration is a length of time in units that do not convert into one another.
type duration struct{ months, days, seconds, nanos int64 }

// point is a place in the reference system srid (7203 and 9157 Cartesian, 4326 and 4979 WGS-84). solid says that z counts.
type point struct {
	srid    int64
	x, y, z float64
	solid   bool
}

// dateTimeOf is t as a value of Cypher, told with its offset.
func dateTimeOf(t time.Time) dateTime {
	_, offset := t.Zone()
	return dateTime{seconds: t.Unix(), nanos: int64(t.Nanosecond()), offset: int64(offset)}
}
