package neo4jtest

import (
	"fmt"
	"time"
)

// codec is what the encoding of values depends on.
type codec struct {
	version version
	utc     bool // date-times count from UTC: always from Bolt 5.0, before only when the client asked for the patch "utc"
}

// Tags of structures (Bolt manual, "Structure semantics").
const (
	tagNode                = 'N'
	tagRelationship        = 'R'
	tagUnboundRelationship = 'r'
	tagPath                = 'P'
	tagDate                = 'D'
	tagTime                = 'T'
	tagLocalTime           = 't'
	tagDateTime            = 'I'
	tagDateTimeZone        = 'i'
	tagLegacyDateTime      = 'F'
	tagLegacyDateTimeZone  = 'f'
	tagLocalDateTime       = 'd'
	tagDuration            = 'E'
	tagPoint2D             = 'X'
	tagPoint3D             = 'Y'
)

// withElementIDs appends the string identities that Bolt 5.0 added at the end of nodes and relationships.
func (d codec) withElementIDs(fields []any, ids ...any) []any {
	if d.version.major < 5 {
		return fields
	}
	return append(fields, ids...)
}

func (n node) pack(d codec) (structure, error) {
	fields := []any{n.id, n.labels, orEmpty(n.properties)}
	return structure{tagNode, d.withElementIDs(fields, n.elementID)}, nil
}

func (r relationship) pack(d codec) (structure, error) {
	fields := []any{r.id, r.start, r.end, r.kind, orEmpty(r.properties)}
	return structure{tagRelationship, d.withElementIDs(fields, r.elementID, r.startElementID, r.endElementID)}, nil
}

// unbound is a relationship inside a path, which says elsewhere what it joins.
type unbound relationship

func (r unbound) pack(d codec) (structure, error) {
	fields := []any{r.id, r.kind, orEmpty(r.properties)}
	return structure{tagUnboundRelationship, d.withElementIDs(fields, r.elementID)}, nil
}

func (w walk) pack(codec) (structure, error) {
	nodes, relationships, indices := []any{}, []any{}, []any{}
	for _, n := range w.nodes {
		nodes = append(nodes, n)
	}
	for _, r := range w.relationships {
		relationships = append(relationships, unbound(r))
	}
	for _, i := range w.indices {
		indices = append(indices, i)
	}
	return structure{tagPath, []any{nodes, relationships, indices}}, nil
}

func (v date) pack(codec) (structure, error) { return structure{tagDate, []any{v.days}}, nil }

func (v localTime) pack(codec) (structure, error) {
	return structure{tagLocalTime, []any{v.nanos}}, nil
}

func (v zonedTime) pack(codec) (structure, error) {
	return structure{tagTime, []any{v.nanos, v.offset}}, nil
}

func (v localDateTime) pack(codec) (structure, error) {
	return structure{tagLocalDateTime, []any{v.seconds, v.nanos}}, nil
}

func (v duration) pack(codec) (structure, error) {
	return structure{tagDuration, []any{v.months, v.days, v.seconds, v.nanos}}, nil
}

func (v point) pack(codec) (structure, error) {
	if v.solid {
		return structure{tagPoint3D, []any{v.srid, v.x, v.y, v.z}}, nil
	}
	return structure{tagPoint2D, []any{v.srid, v.x, v.y}}, nil
}

func (v dateTime) pack(d codec) (structure, error) {
	switch {
	case d.utc && v.zone == "":
		return structure{tagDateTime, []any{v.seconds, v.nanos, v.offset}}, nil
	case d.utc:
		return structure{tagDateTimeZone, []any{v.seconds, v.nanos, v.zone}}, nil
	case v.zone == "":
		return structure{tagLegacyDateTime, []any{v.seconds + v.offset, v.nanos, v.offset}}, nil
	}
	zone, err := time.LoadLocation(v.zone)
	if err != nil {
		return structure{}, fmt.Errorf("date-time: %w", err)
	}
	_, offset := time.Unix(v.seconds, 0).In(zone).Zone()
	return structure{tagLegacyDateTimeZone, []any{v.seconds + int64(offset), v.nanos, v.zone}}, nil
}

// unpack turns a structure in a client's message into the value it stands for.
func (d codec) unpack(s structure) (any, error) {
	f := fields{list: s.fields}
	var v any
	switch s.tag {
	case tagDate:
		v = date{f.integer()}
	case tagTime:
		v = zonedTime{f.integer(), f.integer()}
	case tagLocalTime:
		v = localTime{f.integer()}
	case tagLocalDateTime:
		v = localDateTime{f.integer(), f.integer()}
	case tagDuration:
		v = duration{f.integer(), f.integer(), f.integer(), f.integer()}
	case tagPoint2D:
		v = point{srid: f.integer(), x: f.float(), y: f.float()}
	case tagPoint3D:
		v = point{srid: f.integer(), x: f.float(), y: f.float(), z: f.float(), solid: true}
	default:
		return d.unpackDateTime(s)
	}
	return v, f.complete(s.tag)
}

// unpackDateTime takes the two forms of the codec and refuses the other two, as servers do.
func (d codec) unpackDateTime(s structure) (any, error) {
	f := fields{list: s.fields}
	v := dateTime{seconds: f.integer(), nanos: f.integer()}
	switch {
	case d.utc && s.tag == tagDateTime:
		v.offset = f.integer()
	case d.utc && s.tag == tagDateTimeZone:
		v.zone = f.text()
	case !d.utc && s.tag == tagLegacyDateTime:
		v.offset = f.integer()
		v.seconds -= v.offset
	case !d.utc && s.tag == tagLegacyDateTimeZone:
		v.zone = f.text()
	default:
		return nil, unexpectedTag(s.tag)
	}
	if err := f.complete(s.tag); err != nil {
		return nil, err
	}
	return d.inZone(v)
}

// unexpectedTag is a structure that no client may send.
type unexpectedTag byte

// Error is what servers say.
func (t unexpectedTag) Error() string { return fmt.Sprintf("Unexpected struct tag: 0x%02X", byte(t)) }

// inZone checks the name of the zone and, without UTC, turns its wall clock into an instant.
func (d codec) inZone(v dateTime) (any, error) {
	if v.zone == "" {
		return v, nil
	}
	zone, err := time.LoadLocation(v.zone)
	if err != nil || v.zone == "Local" { // the name of whatever zone this machine is in
		return nil, fmt.Errorf("unknown time zone %q", v.zone)
	}
	if !d.utc {
		wall := time.Unix(v.seconds, 0).UTC()
		v.seconds = time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, zone).Unix()
	}
	return v, nil
}

// fields reads the fields of a structure in order and remembers whether one was missing or of another type.
type fields struct {
	list []any
	bad  bool
}

func (f *fields) next() any {
	if len(f.list) == 0 {
		f.bad = true
		return nil
	}
	v := f.list[0]
	f.list = f.list[1:]
	return v
}

func (f *fields) integer() int64 {
	v, ok := f.next().(int64)
	f.bad = f.bad || !ok
	return v
}

func (f *fields) float() float64 {
	v, ok := f.next().(float64)
	f.bad = f.bad || !ok
	return v
}

func (f *fields) text() string {
	v, ok := f.next().(string)
	f.bad = f.bad || !ok
	return v
}

// complete says whether the fields were exactly those asked for.
func (f *fields) complete(tag byte) error {
	if f.bad || len(f.list) > 0 {
		return fmt.Errorf("structure 0x%02X has fields that do not fit", tag)
	}
	return nil
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
