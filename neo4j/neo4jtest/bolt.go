package neo4jtest

import (
	"errors"
	"fmt"
	"math"
)

// Tags of Bolt's messages (Bolt manual, "Bolt Protocol message specification").
const (
	tagHello     = 0x01
	tagGoodbye   = 0x02
	tagReset     = 0x0F
	tagRun       = 0x10
	tagBegin     = 0x11
	tagCommit    = 0x12
	tagRollback  = 0x13
	tagDiscard   = 0x2F
	tagPull      = 0x3F
	tagTelemetry = 0x54
	tagRoute     = 0x66
	tagLogon     = 0x6A
	tagLogoff    = 0x6B

	tagSuccess = 0x70
	tagRecord  = 0x71
	tagIgnored = 0x7E
	tagFailure = 0x7F
)

// request is a client's message, checked field by field.
type request interface{ request() }

type (
	helloMessage struct {
		auth   map[string]any // up to 5.0 the login travels with HELLO
		utc    bool           // up to 4.4 the client may ask for date-times that count from UTC
		filter noteFilter
	}
	logonMessage     struct{ auth map[string]any }
	logoffMessage    struct{}
	telemetryMessage struct{ api int64 }
	runMessage       struct {
		query  string
		params map[string]any
		extra  transactionExtra
	}
	beginMessage    struct{ extra transactionExtra }
	pullMessage     struct{ fetch }
	discardMessage  struct{ fetch }
	commitMessage   struct{}
	rollbackMessage struct{}
	resetMessage    struct{}
	goodbyeMessage  struct{}
	routeMessage    struct{ db, address, impersonate string }
)

// fetch asks for n rows (-1 for all) of the result qid (-1 for the last one).
type fetch struct{ n, qid int64 }

// transactionExtra is the last field of RUN and BEGIN.
type transactionExtra struct {
	options txOptions
	filter  noteFilter
}

func (helloMessage) request()     {}
func (logonMessage) request()     {}
func (logoffMessage) request()    {}
func (telemetryMessage) request() {}
func (runMessage) request()       {}
func (beginMessage) request()     {}
func (pullMessage) request()      {}
func (discardMessage) request()   {}
func (commitMessage) request()    {}
func (rollbackMessage) request()  {}
func (resetMessage) request()     {}
func (goodbyeMessage) request()   {}
func (routeMessage) request()     {}

// messageKind is what a message is called: by the manual (name) and in a server's failures (its name, capitalised, with "Message").
type messageKind struct {
	name, class string
	size        int // fields
	since       version
}

// kindOf knows the messages of every version. A message that v does not have is unknown.
func kindOf(tag byte, v version) (messageKind, bool) {
	kinds := map[byte]messageKind{
		tagHello:     {"HELLO", "HelloMessage", 1, version{4, 0}},
		tagGoodbye:   {"GOODBYE", "GoodbyeMessage", 0, version{4, 0}},
		tagReset:     {"RESET", "ResetMessage", 0, version{4, 0}},
		tagRun:       {"RUN", "RunMessage", 3, version{4, 0}},
		tagBegin:     {"BEGIN", "BeginMessage", 1, version{4, 0}},
		tagCommit:    {"COMMIT", "CommitMessage", 0, version{4, 0}},
		tagRollback:  {"ROLLBACK", "RollbackMessage", 0, version{4, 0}},
		tagDiscard:   {"DISCARD", "DiscardMessage", 1, version{4, 0}},
		tagPull:      {"PULL", "PullMessage", 1, version{4, 0}},
		tagRoute:     {"ROUTE", "RouteMessage", 3, version{4, 3}},
		tagLogon:     {"LOGON", "LogonMessage", 1, version{5, 1}},
		tagLogoff:    {"LOGOFF", "LogoffMessage", 0, version{5, 1}},
		tagTelemetry: {"TELEMETRY", "TelemetryMessage", 1, version{5, 4}},
	}
	k, ok := kinds[tag]
	return k, ok && v.atLeast(k.since.major, k.since.minor)
}

// errUnknownMessage closes the connection without an answer.
var errUnknownMessage = errors.New("bolt: unknown message")

// decodeRequest reads one message. A *Failure refuses it but not the connection; errUnknownMessage ends that.
func (d codec) decodeRequest(data []byte) (request, messageKind, error) {
	if len(data) < 2 || data[0]&0xF0 != tinyStructure {
		return nil, messageKind{}, errUnknownMessage
	}
	tag, size := data[1], int(data[0]&0x0F)
	kind, ok := kindOf(tag, d.version)
	if !ok {
		return nil, messageKind{}, errUnknownMessage
	}
	if size != kind.size {
		return nil, kind, formatError(fmt.Sprintf("Illegal struct size: Expected struct to be %d fields but got %d", kind.size, size))
	}
	dec := decoder{data: data, pos: 2, structs: d.unpack}
	list, err := dec.list(size, 0)
	if err == nil {
		err = dec.end()
	}
	if err != nil {
		var tag unexpectedTag
		if errors.As(err, &tag) {
			return nil, kind, illegal("params", tag.Error())
		}
		return nil, kind, formatError("Illegal message: " + err.Error())
	}
	req, failure := d.requestOf(tag, list)
	if failure != nil {
		return nil, kind, failure
	}
	return req, kind, nil
}

// requestOf checks the fields, whose number is right already.
func (d codec) requestOf(tag byte, list []any) (request, *Failure) {
	switch tag {
	case tagHello:
		return d.hello(list[0])
	case tagLogon:
		auth, f := entriesOf("extra", list[0])
		return logonMessage{auth.values}, f
	case tagLogoff:
		return logoffMessage{}, nil
	case tagTelemetry:
		return telemetry(list[0])
	case tagRun:
		return d.run(list)
	case tagBegin:
		extra, f := d.extra(list[0])
		return beginMessage{extra}, f
	case tagPull:
		f, failure := fetchOf(list[0])
		return pullMessage{f}, failure
	case tagDiscard:
		f, failure := fetchOf(list[0])
		return discardMessage{f}, failure
	case tagCommit:
		return commitMessage{}, nil
	case tagRollback:
		return rollbackMessage{}, nil
	case tagReset:
		return resetMessage{}, nil
	case tagGoodbye:
		return goodbyeMessage{}, nil
	default:
		return d.route(list)
	}
}

func (d codec) hello(field any) (request, *Failure) {
	m, f := entriesOf("extra", field)
	if f != nil {
		return nil, f
	}
	if m.values["user_agent"] == nil {
		return nil, illegal("user_agent", "Expected value to be non-null")
	}
	m.text("user_agent")
	m.dictionary("routing")
	if d.version.atLeast(5, 3) && !isTextMap(m.values["bolt_agent"]) {
		return nil, illegal("bolt_agent", "Must be a map with string keys and string values.")
	}
	hello := helloMessage{filter: d.filter(m)}
	if !d.version.atLeast(5, 1) {
		hello.auth = map[string]any{}
		for _, k := range []string{"scheme", "principal", "credentials", "realm", "parameters"} {
			if v, ok := m.values[k]; ok {
				hello.auth[k] = v
			}
		}
	}
	if d.version.major == 4 && d.version.minor >= 3 {
		for _, patch := range m.texts("patch_bolt") {
			hello.utc = hello.utc || patch == "utc"
		}
	}
	return hello, m.failure
}

// filter reads the keys of notification filtering; 5.6 renamed categories to classifications.
func (d codec) filter(m *entries) noteFilter {
	if !d.version.atLeast(5, 2) {
		return noteFilter{}
	}
	f := noteFilter{minimum: m.text("notifications_minimum_severity")}
	if d.version.atLeast(5, 6) {
		f.disabled = m.texts("notifications_disabled_classifications")
	} else {
		f.disabled = m.texts("notifications_disabled_categories")
	}
	switch f.minimum {
	case "", "OFF", "WARNING", "INFORMATION":
	default:
		m.refuseText(`Illegal value for field "Could not parse a NotificationConfig's minimum severity."`)
	}
	return f
}

func telemetry(field any) (request, *Failure) {
	api, ok := field.(int64)
	if !ok {
		return nil, protocolError(unexpectedType("INT", field))
	}
	if api < 0 || api > 3 { // managed, explicit and implicit transaction, driver level execution
		return nil, &Failure{Code: codeUnknownError, Message: fmt.Sprintf("org.neo4j.packstream.error.reader.PackstreamReaderException: Unknown driver interface type %d", api)}
	}
	return telemetryMessage{api}, nil
}

func (d codec) run(list []any) (request, *Failure) {
	query, ok := list[0].(string)
	if !ok {
		return nil, illegal("statement", unexpectedType("STRING", list[0]))
	}
	params, f := entriesOf("params", list[1])
	if f != nil {
		return nil, f
	}
	extra, f := d.extra(list[2])
	return runMessage{query, params.values, extra}, f
}

func (d codec) extra(field any) (transactionExtra, *Failure) {
	m, f := entriesOf("metadata", field)
	if f != nil {
		return transactionExtra{}, f
	}
	bookmarks := m.texts("bookmarks")
	m.within = "metadata"
	e := transactionExtra{
		options: txOptions{
			db: m.text("db"), mode: m.text("mode"), bookmarks: bookmarks, metadata: m.dictionary("tx_metadata"), timeoutMS: m.integer("tx_timeout"),
		},
		filter: d.filter(m),
	}
	if d.version.atLeast(4, 4) {
		e.options.impersonate = m.text("imp_user")
	}
	switch e.options.mode {
	case "":
		e.options.mode = "w"
	case "r", "w":
	default:
		m.refuse("mode", "Expecting access mode value to be 'r' or 'w'")
	}
	e.options.timeoutMS = max(e.options.timeoutMS, 0) // a negative one is none (seen on Neo4j 5.26 Community)
	return e, m.failure
}

// fetchOf reads PULL's and DISCARD's field. Real servers name both the field and the key that is wrong.
func fetchOf(field any) (fetch, *Failure) {
	m, f := entriesOf("meta", field)
	if f != nil {
		return fetch{}, f
	}
	inner := func(key, why string) (fetch, *Failure) { return fetch{}, illegal("meta", illegalText(key, why)) }
	if m.values["n"] == nil {
		return inner("n", "Expected value to be non-null")
	}
	n, ok := m.values["n"].(int64)
	if !ok {
		return inner("n", "Expected long")
	}
	if n != -1 && n < 1 {
		return inner("n", fmt.Sprintf("Expecting size to be at least 1, but got: %d", n))
	}
	qid := int64(-1)
	if v := m.values["qid"]; v != nil {
		if qid, ok = v.(int64); !ok {
			return inner("qid", "Expected long")
		}
	}
	if n == -1 {
		n = math.MaxInt64
	}
	return fetch{n, qid}, nil
}

// route reads ROUTE. In 4.3 its last field is the database's name, from 4.4 a map with it. Context keys other than the address are ignored, as are bookmarks.
func (d codec) route(list []any) (request, *Failure) {
	context, f := entriesOf("", list[0])
	if f != nil {
		return nil, f
	}
	r := routeMessage{address: context.text("address")}
	if _, ok := list[1].([]any); !ok && list[1] != nil {
		return nil, protocolError(unexpectedType("LIST", list[1]))
	}
	last := &entries{values: map[string]any{"db": list[2]}}
	if d.version.atLeast(4, 4) {
		if last, f = entriesOf("", list[2]); f != nil {
			return nil, f
		}
	}
	r.db, r.impersonate = last.text("db"), last.text("imp_user")
	if context.failure != nil {
		return nil, context.failure
	}
	return r, last.failure
}

// entries reads a map's keys, each of which may be missing or null, and keeps the first refusal.
type entries struct {
	values  map[string]any
	within  string // the field that holds the map, where refusals name it
	failure *Failure
}

// entriesOf takes a field that must be a map.
func entriesOf(name string, field any) (*entries, *Failure) {
	m, ok := field.(map[string]any)
	switch {
	case !ok && name == "":
		return &entries{}, protocolError(unexpectedType("MAP", field))
	case !ok:
		return &entries{}, illegal(name, unexpectedType("MAP", field))
	}
	return &entries{values: m}, nil
}

func (e *entries) refuse(key, why string) {
	e.refuseText(illegalText(key, why))
}

func (e *entries) refuseText(text string) {
	if e.within != "" {
		text = illegalText(e.within, text)
	}
	if e.failure == nil {
		e.failure = protocolError(text)
	}
}

// unexpectedType says that a field is of another type, in the names of the server's decoder.
func unexpectedType(want string, field any) string {
	got := "STRUCT"
	switch field.(type) {
	case nil:
		got = "NONE"
	case bool:
		got = "BOOLEAN"
	case int64:
		got = "INT"
	case float64:
		got = "FLOAT"
	case string:
		got = "STRING"
	case []byte:
		got = "BYTES"
	case []any:
		got = "LIST"
	case map[string]any:
		got = "MAP"
	}
	return "Unexpected type: Expected " + want + " but got " + got
}

func (e *entries) text(key string) string {
	v, ok := e.values[key].(string)
	if !ok && e.values[key] != nil {
		e.refuse(key, "Expected string")
	}
	return v
}

func (e *entries) integer(key string) int64 {
	v, ok := e.values[key].(int64)
	if !ok && e.values[key] != nil {
		e.refuse(key, "Expected long")
	}
	return v
}

func (e *entries) dictionary(key string) map[string]any {
	v, ok := e.values[key].(map[string]any)
	if !ok && e.values[key] != nil {
		e.refuse(key, "Expected dictionary")
	}
	return v
}

// texts is nil when the key is missing, never when it is an empty list.
func (e *entries) texts(key string) []string {
	if e.values[key] == nil {
		return nil
	}
	list, ok := e.values[key].([]any)
	if !ok {
		e.refuse(key, "Expected list")
		return nil
	}
	texts := make([]string, 0, len(list))
	for _, v := range list {
		s, ok := v.(string)
		if !ok {
			e.refuse(key, "Expected list of strings")
			return nil
		}
		texts = append(texts, s)
	}
	return texts
}

func isTextMap(v any) bool {
	m, ok := v.(map[string]any)
	for _, text := range m {
		if _, isText := text.(string); !isText {
			return false
		}
	}
	return ok
}

func illegalText(field, why string) string {
	return fmt.Sprintf("Illegal value for field %q: %s", field, why)
}

func illegal(field, why string) *Failure { return protocolError(illegalText(field, why)) }
