package neo4jtest

import (
	"fmt"
	"testing"
)

func wireStatus(code, text string) dict { return dict{"gql_status": code, "status_description": text} }

var (
	statusOK      = wireStatus("00000", "note: successful completion")
	statusNothing = wireStatus("00001", "note: successful completion - omitted result")
	statusEmpty   = wireStatus("02000", "note: no data")
	statusDropped = wireStatus("02N42", "note: no data - unknown subcondition. Unknown GQLSTATUS from old server.")
)

func TestSessionAutoCommit(t *testing.T) {
	m, _, address := serveMemory(t, wireConfig{})
	c := logOn(t, address, v58)
	same(t, "RUN", timeless(t, c.run("ADD jane", nil), "t_first"), dict{"fields": []any{}, "db": "system"})
	if names, _ := m.list(); len(names) > 0 {
		t.Errorf("before PULL: got %v, want nothing", names)
	}
	_, meta := c.pull(-1, -1)
	same(t, "PULL", timeless(t, meta, "t_last"), dict{
		"bookmark": "FB:1", "stats": dict{"contains-system-updates": true, "system-updates": int64(1)}, "statuses": []any{statusNothing}, "type": "s", "db": "system",
	})
	c.run("ADD joe", nil)
	c.success(tagReset)
	names, _ := m.list()
	same(t, "names after RUN and RESET", names, []string{"jane"})
	c.run("ADD joe", nil)
	c.success(tagDiscard, dict{"n": -1})
	names, _ = m.list()
	same(t, "names after DISCARD", names, []string{"jane", "joe"})
	same(t, "RUN with db", timeless(t, c.run("LIST", dict{"db": "neo4j"}), "t_first"), dict{"fields": []any{"name"}})
	c.success(tagReset)
	c.failure(tagRun, "LIST", dict{}, dict{"db": "nosuch"})
	c.success(tagReset)
	c.run("ADD clash", nil)
	same(t, "failing commit", c.failure(tagPull, dict{"n": -1})["neo4j_code"], "Neo.TransientError.Transaction.Outdated")
	c.success(tagReset)
}

func TestSessionTransaction(t *testing.T) {
	m, _, address := serveMemory(t, wireConfig{})
	c := logOn(t, address, v54)
	extra := dict{"db": "system", "mode": "r", "bookmarks": []any{"FB:1"}, "tx_timeout": 5, "tx_metadata": dict{"a": 1}, "imp_user": "joe"}
	same(t, "BEGIN", c.success(tagBegin, extra), dict{})
	same(t, "options", m.begun[0], txOptions{db: "system", mode: "r", bookmarks: []string{"FB:1"}, timeoutMS: 5, metadata: dict{"a": int64(1)}, impersonate: "joe"})
	same(t, "RUN 0", timeless(t, c.run("ADD jane", nil), "t_first"), dict{"fields": []any{}, "qid": int64(0)})
	_, meta := c.pull(-1, -1)
	if _, there := meta["bookmark"]; there {
		t.Error("a bookmark inside a transaction")
	}
	same(t, "RUN 1", c.run("ROWS 5", dict{"db": "nosuch"})["qid"], int64(1)) // db is ignored here
	same(t, "RUN 2", c.run("ROWS 3", nil)["qid"], int64(2))
	rows, meta := c.pull(2, 1)
	same(t, "two of 1", []any{rows, meta}, []any{[]any{int64(0), int64(1)}, dict{"has_more": true}})
	rows, _ = c.pull(1, -1)
	same(t, "one of the last", rows, []any{int64(0)})
	same(t, "discard two of 1", c.success(tagDiscard, dict{"n": 2, "qid": 1}), dict{"has_more": true})
	rows, meta = c.pull(1, 1)
	same(t, "rest of 1", []any{rows, timeless(t, meta, "t_last")}, []any{[]any{int64(4)}, dict{"type": "r", "db": "neo4j"}})
	same(t, "COMMIT with 2 unread", c.success(tagCommit), dict{"bookmark": "FB:1"})

	c.success(tagBegin, dict{})
	c.run("ADD joe", nil)
	same(t, "ROLLBACK", c.success(tagRollback), dict{})
	c.success(tagBegin, dict{})
	c.run("ADD joe", nil)
	c.pull(-1, 0)
	c.failure(tagRun, "FAIL", dict{}, dict{})
	c.exchange(tagIgnored, tagCommit)
	c.success(tagReset)
	c.success(tagBegin, dict{})
	c.run("ADD clash", nil)
	same(t, "failing COMMIT", c.failure(tagCommit)["code"], "Neo.TransientError.Transaction.Outdated")
	c.success(tagReset)
	c.success(tagBegin, dict{})
	c.run("ADD joe", nil)
	c.conn.Close()
	eventually(t, "rollback", func() bool { _, open := m.list(); return open == 0 })
	names, _ := m.list()
	same(t, "names", names, []string{"jane"})
}

func TestSessionBatches(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	c := logOn(t, address, v58)
	c.run("ROWS 5", nil)
	for range 2 {
		rows, meta := c.pull(2, -1)
		same(t, "batch", []any{len(rows), meta}, []any{2, dict{"has_more": true}})
	}
	summary := dict{"type": "r", "db": "neo4j", "bookmark": "FB:0", "statuses": []any{statusOK}}
	rows, meta := c.pull(2, -1)
	same(t, "last batch", []any{rows, timeless(t, meta, "t_last")}, []any{[]any{int64(4)}, summary})
	c.run("ROWS 5", nil)
	rows, meta = c.pull(5, -1)
	same(t, "all at once", []any{len(rows), timeless(t, meta, "t_last")}, []any{5, summary})
}

func TestSessionStatuses(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	place := dict{"offset": int64(6), "line": int64(1), "column": int64(7)}
	object := func(code, severity string) dict {
		return dict{"gql_status": code, "neo4j_code": "Neo.ClientNotification.Security.X", "title": "t", "description": "d", "status_description": "note: " + code,
			"diagnostic_record": dict{"_classification": "SECURITY", "_severity": severity, "_position": place}}
	}
	old := func(severity string) dict {
		return dict{"code": "Neo.ClientNotification.Security.X", "title": "t", "description": "d", "severity": severity, "category": "SECURITY", "position": place}
	}
	tests := []struct {
		version version
		query   string
		tag     byte
		extra   dict
		key     string
		want    any
	}{
		{v58, "ROWS 1", tagPull, nil, "statuses", []any{statusOK}},
		{v56, "ROWS 0", tagPull, nil, "statuses", []any{statusEmpty}},
		{v58, "LIST", tagPull, nil, "statuses", []any{statusOK}},
		{v58, "ROWS 1", tagDiscard, nil, "statuses", []any{statusDropped}},
		{v58, "ADD a", tagDiscard, nil, "statuses", []any{statusNothing}},
		{v54, "ROWS 0", tagPull, nil, "statuses", nil},
		{v58, "NOTE", tagPull, nil, "statuses", []any{object("01N70", "WARNING"), statusNothing, object("00N70", "INFORMATION")}},
		{v58, "NOTE", tagPull, nil, "notifications", nil},
		{v54, "NOTE", tagPull, nil, "notifications", []any{old("INFORMATION"), old("WARNING")}},
		{v44, "NOTE", tagPull, nil, "notifications", []any{old("INFORMATION"), old("WARNING")}},
		{v54, "NOTE", tagPull, dict{"notifications_minimum_severity": "WARNING"}, "notifications", []any{old("WARNING")}},
		{v54, "NOTE", tagPull, dict{"notifications_minimum_severity": "OFF"}, "notifications", nil},
		{v54, "NOTE", tagPull, dict{"notifications_disabled_categories": []any{"SECURITY"}}, "notifications", nil},
		{v54, "NOTE", tagPull, dict{"notifications_disabled_categories": []any{"HINT"}}, "notifications", []any{old("INFORMATION"), old("WARNING")}},
		{v58, "NOTE", tagPull, dict{"notifications_disabled_classifications": []any{"SECURITY"}}, "statuses", []any{statusNothing}},
		{v44, "NOTE", tagPull, dict{"notifications_minimum_severity": "OFF"}, "notifications", []any{old("INFORMATION"), old("WARNING")}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.version, tt.query, tt.extra), func(t *testing.T) {
			c := logOn(t, address, tt.version)
			c.run(tt.query, tt.extra)
			c.send(tt.tag, dict{"n": -1})
			got := c.receive()
			for got.tag == tagRecord {
				got = c.receive()
			}
			same(t, tt.key, got.fields[0].(dict)[tt.key], tt.want)
		})
	}
}

// TestSessionFilterOfConnection is set in HELLO and changed for one transaction.
func TestSessionFilterOfConnection(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	c := connect(t, address, v54)
	extra := helloExtra()
	extra["notifications_minimum_severity"] = "OFF"
	c.success(tagHello, extra)
	c.success(tagLogon, dict{"scheme": "basic", "principal": "neo4j", "credentials": "secret"})
	c.run("NOTE", nil)
	if _, meta := c.pull(-1, -1); meta["notifications"] != nil {
		t.Errorf("got %v, want none", meta["notifications"])
	}
	c.success(tagBegin, dict{"notifications_minimum_severity": "INFORMATION"})
	c.run("NOTE", nil)
	_, meta := c.pull(-1, -1)
	if list, _ := meta["notifications"].([]any); len(list) != 2 {
		t.Errorf("got %v, want both", list)
	}
}

func TestSessionFailureShapes(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	short := dict{"code": "Neo.ClientError.Statement.SyntaxError", "message": "Invalid input 'FAIL'"}
	long := dict{
		"neo4j_code": "Neo.ClientError.Statement.SyntaxError", "message": "Invalid input 'FAIL'", "gql_status": "42001",
		"description": "error: syntax error or access rule violation - invalid syntax",
		"diagnostic_record": dict{"_classification": "CLIENT_ERROR",
			"_position": dict{"offset": int64(0), "line": int64(1), "column": int64(1)}},
		"cause": dict{"message": "42I06: Invalid input.", "gql_status": "42I06", "description": "error: ... Invalid input.",
			"diagnostic_record": dict{"_classification": "CLIENT_ERROR"}},
	}
	for v, want := range map[version]dict{v44: short, v54: short, v56: short, v57: long, v58: long} {
		c := logOn(t, address, v)
		same(t, v.String(), c.failure(tagRun, "FAIL", dict{}, dict{}), want)
	}
	c := logOn(t, address, v57)
	same(t, "default", c.failure(tagRun, "ROWS x", dict{}, dict{}), dict{
		"neo4j_code": "Neo.ClientError.Statement.SyntaxError", "message": `strconv.Atoi: parsing "x": invalid syntax`, "gql_status": "50N42", "description": defaultDescription,
	})
}

func TestSessionFailureParts(t *testing.T) {
	tests := []struct{ f Failure }{{Failure{GQLStatus: "50N42"}}, {Failure{GQLStatus: "50N00"}}, {Failure{}}}
	for _, tt := range tests {
		if m := failureMetadata(v58, &tt.f); m["diagnostic_record"] != nil {
			t.Errorf("%q: got a diagnostic record", tt.f.GQLStatus)
		}
	}
	for cause, want := range map[Failure]string{
		{GQLStatus: "42N09"}: "42N09", {GQLStatus: "42N09", Message: "No."}: "42N09: No.", {GQLStatus: "42N09", Message: "42N09: No."}: "42N09: No.", {}: "50N42",
	} {
		if got := causeMessage(&cause); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for code, want := range map[string]string{
		"Neo.ClientError.A.B": "CLIENT_ERROR", "Neo.TransientError.A.B": "TRANSIENT_ERROR", "Neo.DatabaseError.A.B": "DATABASE_ERROR",
	} {
		if got := classification(code); got != want {
			t.Errorf("%s: got %s, want %s", code, got, want)
		}
	}
}

func TestSessionRoute(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	context := dict{"address": "box:7687", "region": "x"}
	server := func(role string) dict { return dict{"addresses": []any{"box:7687"}, "role": role} }
	want := func(db string) dict {
		return dict{"rt": dict{"ttl": int64(300), "db": db, "servers": []any{server("WRITE"), server("READ"), server("ROUTE")}}}
	}
	c := logOn(t, address, v54)
	same(t, "home", c.success(tagRoute, context, []any{"zzz", 1}, dict{}), want("neo4j"))
	same(t, "system", c.success(tagRoute, context, []any{}, dict{"db": "system"}), want("system"))
	same(t, "unknown", c.failure(tagRoute, context, []any{}, dict{"db": "nosuch"})["code"], "Neo.ClientError.Database.DatabaseNotFound")
	c = logOn(t, address, version{4, 3})
	unnamed := want("")
	delete(unnamed["rt"].(dict), "db") // told from 4.4
	same(t, "4.3", c.success(tagRoute, context, []any{}, "system"), unnamed)
	same(t, "4.3 home", c.success(tagRoute, context, []any{}, nil), unnamed)
}

// TestSessionBrokenRow tells a value that has no form as a failure and leaves no half message behind.
func TestSessionBrokenRow(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	c := logOn(t, address, v54)
	c.run("BROKEN", nil)
	c.send(tagPull, dict{"n": -1})
	same(t, "first row", c.receive(), structure{tagRecord, []any{[]any{int64(1)}}})
	same(t, "failure", c.answer(tagFailure), dict{"code": codeUnknownError, "message": "packstream: no form for a value of type struct {}"})
	c.success(tagReset)
}

func TestSessionManyOpenResults(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	c := logOn(t, address, v54)
	c.success(tagBegin, dict{})
	for range maxOpenResults {
		c.run("ROWS 1", nil)
	}
	same(t, "failure", c.failure(tagRun, "ROWS 1", dict{}, dict{})["code"], "Neo.TransientError.General.TransactionOutOfMemoryError")
}
