package neo4jtest

import (
	"encoding/hex"
	"io"
	"maps"
	"strings"
)

// handshakeConversations propose versions (17 bytes and more, in hexadecimal) and write down the bytes that come back.
func handshakeConversations() []conversation {
	const none = "00000000"
	shake := func(name string, proposals string, then ...string) conversation {
		return conversation{name: "handshake " + name, hold: func(s *stage) {
			c := s.dial()
			for i, part := range append([]string{"6060b017" + (proposals + strings.Repeat(none, 4))[:32]}, then...) {
				c.note("bytes %s", part)
				sent, err := hex.DecodeString(part)
				if err != nil {
					s.t.Fatal(err)
				}
				c.raw(sent)
				if i == len(then) {
					_ = c.conn.(interface{ CloseWrite() error }).CloseWrite()
				} else if i == 0 { // the manifest, whose end the client knows by its length
					head := c.bytes(5)
					c.note("  %x", append(head, c.bytes(4*int(head[4])+1)...))
				}
			}
			rest, _ := io.ReadAll(c.wire.r)
			c.note("  %x", rest)
		}}
	}
	return []conversation{
		shake("5.8", "00000805"), shake("5.8-5.0", "00080805"), shake("5.20-5.0", "00141405"), shake("5.4", "00000405"), shake("5.5", "00000505"),
		shake("5.5-5.4", "00010505"), shake("5.9", "00000905"), shake("4.4", "00000404"), shake("4.4-4.2", "00020404"), shake("4.1", "00000104"),
		shake("3", "00000003"), shake("1", "00000001"), shake("7.0", "00000007"), shake("6.0", "00000006"), shake("6.1", "00000106"), shake("nothing", ""),
		shake("4.4 before 5.4", "0000040400000405"), shake("5.8 before manifest", "00080805000001ff"), shake("unknown before 4.4", "0000090500000404"),
		shake("manifest 2", "000002ff"), shake("manifest", "000001ff", "0000080500"), shake("manifest, 4.4", "000001ff", "0000040400"),
		shake("manifest, not offered", "000001ff", "0000090500"), shake("manifest, 6.0", "000001ff", "0000000600"),
		{name: "handshake without magic", hold: func(s *stage) {
			c := s.dial()
			c.note("bytes")
			c.raw([]byte("\x16\x03\x01\x00\x00aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))
			rest, _ := io.ReadAll(c.wire.r)
			c.note("  %x", rest)
		}},
	}
}

func loginConversations() []conversation {
	agent := dict{"product": "test/1"}
	hello := func(v version, name string, extra any) conversation {
		return conversation{name: "hello " + v.String() + " " + name, hold: func(s *stage) {
			c := s.connect(v)
			if m, ok := extra.(dict); ok && m["principal"] == "neo4j" {
				extra = maps.Clone(m)
				extra.(dict)["principal"], extra.(dict)["credentials"] = s.user, s.password
			}
			c.say(tagHello, extra)
			c.say(tagReset)
		}}
	}
	login := func(v version, name string, auth any) conversation {
		return conversation{name: "logon " + v.String() + " " + name, hold: func(s *stage) {
			if m, ok := auth.(dict); ok && m["principal"] == "<user>" {
				s.withUsers(s.unique)
				auth = basicAuth(s.unique, "wrong-password")
			}
			c := s.connect(v)
			if v.atLeast(5, 1) {
				c.success(tagHello, helloExtra())
				c.say(tagLogon, auth)
			} else {
				extra := maps.Clone(auth.(dict))
				extra["user_agent"] = "test/1"
				c.say(tagHello, extra)
			}
			c.say(tagReset)
		}}
	}
	list := []conversation{
		hello(v58, "no user_agent", dict{"bolt_agent": agent}), hello(v58, "user_agent is a number", dict{"bolt_agent": agent, "user_agent": 1}),
		hello(v58, "null user_agent", dict{"user_agent": nil, "bolt_agent": agent}), hello(v58, "no bolt_agent", dict{"user_agent": "x"}),
		hello(v54, "no bolt_agent", dict{"user_agent": "x"}), hello(v54, "bolt_agent is text", dict{"user_agent": "x", "bolt_agent": "x"}),
		hello(v54, "bolt_agent holds a number", dict{"user_agent": "x", "bolt_agent": dict{"product": 1}}), hello(version{5, 2}, "no bolt_agent", dict{"user_agent": "x"}),
		hello(v54, "no map", "x"), hello(v54, "unknown severity", dict{"user_agent": "x", "bolt_agent": agent, "notifications_minimum_severity": "LOUD"}),
		hello(v44, "without auth", dict{"user_agent": "x"}), hello(v54, "auth is ignored", dict{"user_agent": "x", "bolt_agent": agent, "scheme": "basic"}),
		hello(v44, "utc patch", dict{"user_agent": "x", "scheme": "basic", "principal": "neo4j", "patch_bolt": []any{"utc", "other"}}),
		hello(v54, "utc patch", dict{"user_agent": "x", "bolt_agent": agent, "patch_bolt": []any{"utc"}}),
		hello(v58, "routing", dict{"user_agent": "x", "bolt_agent": agent, "routing": dict{"a": "b"}}),
	}
	for _, v := range []version{v44, v54, v58} {
		list = append(list,
			login(v, "wrong password", basicAuth("<user>", "wrong-password")), login(v, "unknown user", basicAuth("nobody", "wrong-password")),
			login(v, "unknown scheme", dict{"scheme": "magic"}), login(v, "no principal", dict{"scheme": "basic", "credentials": "x"}))
	}
	list = append(list,
		login(v58, "empty principal", basicAuth("", "x")), login(v58, "no credentials", dict{"scheme": "basic", "principal": "neo4j"}), login(v58, "no scheme", dict{}),
		login(v58, "scheme is a number", dict{"scheme": 1}), login(v58, "BASIC", dict{"scheme": "BASIC", "principal": "a", "credentials": "b"}),
		login(v58, "bearer", dict{"scheme": "bearer", "credentials": "a.b.c"}), login(v58, "none", dict{"scheme": "none"}),
		login(v58, "credentials are a number", dict{"scheme": "basic", "principal": "a", "credentials": 1}), login(v58, "null scheme", dict{"scheme": nil}),
		login(v58, "credentials are null", dict{"scheme": "basic", "principal": "a", "credentials": nil}), login(v58, "principal is a list", dict{"scheme": "basic", "principal": []any{"a"}, "credentials": "b"}),
		login(v58, "no map", "x"),
	)
	for _, v := range []version{{4, 0}, {4, 1}, {4, 2}, {4, 3}, v44, {5, 0}, {5, 1}, {5, 2}, {5, 3}, v54, v56, v57, v58} {
		list = append(list, conversation{name: "login " + v.String(), hold: func(s *stage) {
			c := s.connect(v)
			extra := helloExtra()
			if !v.atLeast(5, 1) {
				maps.Copy(extra, basicAuth(s.user, s.password))
			}
			c.say(tagHello, extra)
			if v.atLeast(5, 1) {
				c.say(tagLogon, dict{"scheme": "basic", "principal": s.user, "credentials": s.password, "realm": "any"})
			}
			c.say(tagRun, "SHOW CURRENT USER YIELD user", dict{}, dict{})
			c.say(tagPull, dict{"n": -1})
			c.say(tagRun, "RETURN $a AS a", dict{"a": []any{1, 1.5, "x", nil, true}}, dict{"db": "neo4j"})
			c.say(tagPull, dict{"n": -1})
			c.say(tagRun, "nonsense", dict{}, dict{"db": "neo4j"})
			c.say(tagReset)
		}})
	}
	return append(list,
		conversation{name: "logoff", hold: func(s *stage) {
			s.withUsers("conf-a")
			c := s.admin(v58)
			c.say(tagLogoff)
			c.say(tagLogon, basicAuth("conf-a", "first-password"))
			c.run("system", "SHOW CURRENT USER YIELD user", nil)
			c.say(tagLogoff)
			c.say(tagLogon, basicAuth("nobody", "wrong-password"))
		}},
		conversation{name: "logon fails in a pipeline", hold: func(s *stage) {
			c := s.connect(v58)
			c.success(tagHello, helloExtra())
			c.ask(tagLogon, basicAuth("nobody", "x"))
			c.send(tagRun, "SHOW USERS", dict{}, dict{})
			c.hear()
			c.hear()
		}},
		conversation{name: "too many failures", hold: func(s *stage) {
			s.withUsers(s.unique)
			for range 4 {
				c := s.connect(v58)
				c.success(tagHello, helloExtra())
				c.say(tagLogon, basicAuth(s.unique, "wrong-password"))
			}
			c := s.connect(v58)
			c.success(tagHello, helloExtra())
			c.say(tagLogon, basicAuth(s.unique, "first-password"))
		}},
		conversation{name: "expired credentials", hold: func(s *stage) {
			s.withUsers("conf-expired")
			s.setUp("ALTER USER `conf-expired` SET PASSWORD CHANGE REQUIRED")
			c := s.connect(v58)
			c.success(tagHello, helloExtra())
			c.say(tagLogon, basicAuth("conf-expired", "first-password"))
			c.run("neo4j", "RETURN 1", nil)
			c.run("system", "SHOW CURRENT USER", nil)
			c.run("system", "SHOW DATABASES", nil)
			c.run("system", "ALTER CURRENT USER SET PASSWORD FROM $old TO $new", dict{"old": "wrong-password", "new": "second-password"})
			c.run("system", "ALTER CURRENT USER SET PASSWORD FROM $old TO $new", dict{"old": "first-password", "new": "first-password"})
			c.run("system", "ALTER CURRENT USER SET PASSWORD FROM $old TO $new", dict{"old": "first-password", "new": "short"})
			c.run("system", "ALTER CURRENT USER SET PASSWORD FROM $old TO $new", dict{"old": "first-password", "new": "second-password"})
			c.run("system", "SHOW CURRENT USER", nil)
			c.say(tagLogoff)
			c.say(tagLogon, basicAuth("conf-expired", "second-password"))
			c.run("system", "SHOW CURRENT USER", nil)
		}},
	)
}

func stateConversations() []conversation {
	none := dict{}
	ready := func(*talk) {}
	begin := func(c *talk) { c.success(tagBegin, none) }
	open := func(c *talk) { c.success(tagRun, "UNWIND [1,2,3] AS n RETURN n", none, dict{"db": "neo4j"}) }
	inTx := func(c *talk) { begin(c); c.success(tagRun, "UNWIND [1,2,3] AS n RETURN n", none, none) }
	failed := func(c *talk) { c.failure(tagRun, "nonsense", none, none) }
	off := func(c *talk) { c.success(tagLogoff) }
	run := []any{"SHOW USERS", none, none}
	tests := []struct {
		name   string
		before func(*talk) // nil: not even HELLO
		tag    byte
		fields []any
	}{
		{"RUN before HELLO", nil, tagRun, run}, {"LOGON before HELLO", nil, tagLogon, []any{none}}, {"RESET before HELLO", nil, tagReset, nil},
		{"GOODBYE before HELLO", nil, tagGoodbye, nil},
		{"second HELLO", ready, tagHello, []any{helloExtra()}}, {"LOGON in READY", ready, tagLogon, []any{none}}, {"PULL in READY", ready, tagPull, []any{dict{"n": 1}}},
		{"DISCARD in READY", ready, tagDiscard, []any{dict{"n": -1}}}, {"COMMIT in READY", ready, tagCommit, nil}, {"ROLLBACK in READY", ready, tagRollback, nil},
		{"RESET in READY", ready, tagReset, nil}, {"GOODBYE", ready, tagGoodbye, nil},
		{"second BEGIN", begin, tagBegin, []any{none}}, {"ROUTE in a transaction", begin, tagRoute, []any{none, []any{}, none}}, {"LOGOFF in a transaction", begin, tagLogoff, nil},
		{"TELEMETRY in a transaction", begin, tagTelemetry, []any{1}}, {"RESET in a transaction", begin, tagReset, nil},
		{"second RUN", open, tagRun, run}, {"BEGIN with an open result", open, tagBegin, []any{none}}, {"LOGOFF with an open result", open, tagLogoff, nil},
		{"COMMIT with an open result", open, tagCommit, nil}, {"RESET with an open result", open, tagReset, nil},
		{"RUN after LOGOFF", off, tagRun, run}, {"RESET after LOGOFF", off, tagReset, nil}, {"GOODBYE after LOGOFF", off, tagGoodbye, nil},
		{"RUN in FAILED", failed, tagRun, run}, {"ROLLBACK in FAILED", failed, tagRollback, nil}, {"LOGOFF in FAILED", failed, tagLogoff, nil}, {"RESET in FAILED", failed, tagReset, nil},
		{"HELLO in FAILED", failed, tagHello, []any{none}},
		{"unknown tag", ready, 0x33, nil},
		{"RUN with one field", ready, tagRun, []any{"SHOW USERS"}}, {"RUN with four fields", ready, tagRun, []any{"SHOW USERS", none, none, none}}, {"COMMIT with a field", begin, tagCommit, []any{1}},
		{"PULL n=0", open, tagPull, []any{dict{"n": 0}}}, {"PULL n=-2", open, tagPull, []any{dict{"n": -2}}}, {"PULL without n", open, tagPull, []any{none}},
		{"PULL n is text", open, tagPull, []any{dict{"n": "1"}}}, {"PULL is no map", open, tagPull, []any{nil}}, {"DISCARD n=0", open, tagDiscard, []any{dict{"n": 0}}},
		{"unknown qid", inTx, tagPull, []any{dict{"n": 1, "qid": 7}}}, {"unknown qid, auto-commit", open, tagPull, []any{dict{"n": 1, "qid": 7}}},
		{"no result yet", begin, tagPull, []any{dict{"n": 1}}}, {"qid is text", inTx, tagPull, []any{dict{"n": 1, "qid": "a"}}},
		{"mode", ready, tagRun, []any{"SHOW USERS", none, dict{"mode": "x"}}}, {"mode of BEGIN", ready, tagBegin, []any{dict{"mode": "rw"}}}, {"mode is a number", ready, tagBegin, []any{dict{"mode": 1}}},
		{"query is a number", ready, tagRun, []any{1, none, none}}, {"params are a list", ready, tagRun, []any{"SHOW USERS", []any{}, none}}, {"params are null", ready, tagRun, []any{"SHOW USERS", nil, none}},
		{"extra is null", ready, tagRun, []any{"SHOW USERS", none, nil}}, {"extra is a list", ready, tagRun, []any{"SHOW USERS", none, []any{}}},
		{"db is a number", ready, tagBegin, []any{dict{"db": 1}}}, {"imp_user is a number", ready, tagBegin, []any{dict{"imp_user": 1}}},
		{"bookmarks hold a number", ready, tagBegin, []any{dict{"bookmarks": []any{1}}}}, {"bookmarks are text", ready, tagBegin, []any{dict{"bookmarks": "a"}}},
		{"tx_metadata is text", ready, tagBegin, []any{dict{"tx_metadata": "a"}}}, {"tx_timeout is text", ready, tagBegin, []any{dict{"tx_timeout": "a"}}},
		{"tx_timeout is negative", ready, tagBegin, []any{dict{"tx_timeout": -1}}}, {"unknown key", ready, tagBegin, []any{dict{"frob": 1}}},
		{"malformed bookmark", ready, tagBegin, []any{dict{"bookmarks": []any{"zzz"}}}},
		{"ROUTE extra is text", ready, tagRoute, []any{none, []any{}, "neo4j"}}, {"ROUTE bookmarks are text", ready, tagRoute, []any{none, "a", none}},
		{"ROUTE context is text", ready, tagRoute, []any{"a", []any{}, none}},
		{"TELEMETRY", ready, tagTelemetry, []any{2}}, {"TELEMETRY 99", ready, tagTelemetry, []any{99}}, {"TELEMETRY is text", ready, tagTelemetry, []any{"a"}},
		{"a node as parameter", ready, tagRun, []any{"RETURN $v AS v", dict{"v": structure{'N', []any{1, []any{}, none, "1"}}}, dict{"db": "neo4j"}}},
		{"impersonation", ready, tagBegin, []any{dict{"imp_user": "other"}}}, {"unknown database", ready, tagBegin, []any{dict{"db": "nosuch"}}},
		{"RUN on an unknown database", ready, tagRun, []any{"RETURN 1", none, dict{"db": "nosuch"}}}, {"unknown severity", ready, tagBegin, []any{dict{"notifications_minimum_severity": "LOUD"}}},
	}
	var list []conversation
	for _, tt := range tests {
		list = append(list, conversation{name: "state: " + tt.name, hold: func(s *stage) {
			var c *talk
			if tt.before == nil {
				c = s.connect(v58)
			} else {
				c = s.admin(v58)
				tt.before(c)
			}
			tag := c.say(tt.tag, tt.fields...)
			if tt.tag == tagGoodbye && tag != 0 {
				c.hear()
			}
			if tag == tagFailure {
				if c.say(tagRollback) != 0 {
					c.say(tagReset)
				}
			}
		}})
	}
	return list
}

func resultConversations() []conversation {
	const five = "UNWIND [1,2,3,4,5] AS n RETURN n, n * 2 AS twice"
	at := dict{"db": "neo4j"}
	return []conversation{
		{name: "batches", hold: func(s *stage) {
			c := s.admin(v58)
			c.say(tagRun, five, dict{}, at)
			for range 3 {
				c.say(tagPull, dict{"n": 2})
			}
			c.say(tagRun, five, dict{}, at)
			c.say(tagPull, dict{"n": 5})
			c.say(tagRun, five, dict{}, at)
			c.say(tagPull, dict{"n": 2})
			c.say(tagDiscard, dict{"n": -1})
			c.say(tagRun, five, dict{}, at)
			c.say(tagDiscard, dict{"n": -1})
			c.say(tagRun, five, dict{}, dict{})
			c.say(tagDiscard, dict{"n": 2})
			c.say(tagPull, dict{"n": -1})
			c.say(tagRun, "UNWIND [] AS n RETURN n", dict{}, at)
			c.say(tagPull, dict{"n": -1})
			c.say(tagRun, "SHOW USERS WHERE user = 'nobody'", dict{}, dict{"db": "system"})
			c.say(tagPull, dict{"n": -1})
		}},
		{name: "several results", hold: func(s *stage) {
			c := s.admin(v58)
			c.say(tagBegin, at)
			c.say(tagRun, five, dict{}, dict{})
			c.say(tagRun, "RETURN 'second' AS s", dict{}, dict{"db": "system"})
			c.say(tagPull, dict{"n": 2, "qid": 0})
			c.say(tagPull, dict{"n": -1})
			c.say(tagPull, dict{"n": -1, "qid": 0})
			c.say(tagRun, five, dict{}, dict{})
			c.say(tagCommit)
		}},
		{name: "transaction in a pipeline", hold: func(s *stage) {
			s.withUsers("conf-a")
			s.dropUsers("conf-b", "conf-c")
			s.t.Cleanup(func() { s.dropUsers("conf-b", "conf-c") })
			create := func(name string) structure {
				return structure{tagRun, []any{"CREATE USER `" + name + "` SET PASSWORD $p", dict{"p": "first-password"}, dict{}}}
			}
			begin, pull, commit := structure{tagBegin, []any{dict{"db": "system"}}}, structure{tagPull, []any{dict{"n": -1}}}, structure{tagCommit, nil}
			for _, v := range []version{{5, 0}, v54, v58} {
				c := s.admin(v)
				c.label = v.String() + " "
				c.together(begin, create("conf-b"), pull, create("conf-a"), pull, create("conf-c"), pull, commit)
				c.say(tagReset)
				c.run("system", "SHOW USERS YIELD user WHERE user STARTS WITH 'conf-'", nil)
				c.together(begin, create("conf-b"), pull, create("conf-c"), pull, commit)
				c.run("system", "SHOW USERS YIELD user WHERE user STARTS WITH 'conf-'", nil)
				s.dropUsers("conf-b", "conf-c")
			}
		}},
		{name: "values", hold: func(s *stage) {
			c := s.admin(v58)
			c.run("neo4j", "RETURN $v AS v", dict{"v": dict{"a": []any{int64(1) << 40, -17, 1e300, "é", []byte{1, 2}, nil, true}, "": dict{}}})
			c.run("neo4j", "RETURN $v AS v", dict{"v": structure{'D', []any{int64(20000)}}})
			c.run("neo4j", "RETURN $v AS v", dict{"v": structure{'I', []any{int64(10), int64(5), int64(3600)}}})
			c.run("neo4j", "RETURN $v AS v", dict{"v": structure{'E', []any{int64(1), int64(2), int64(3), int64(4)}}})
			c.run("neo4j", "RETURN $v AS v", dict{"v": structure{'X', []any{int64(7203), 1.0, 2.0}}})
			c.run("neo4j", "RETURN $missing AS v", nil)
			c.run("neo4j", "RETURN $b + $a AS v", nil)
		}},
		{name: "routing", hold: func(s *stage) {
			c := s.admin(v58)
			c.say(tagRoute, dict{}, []any{}, dict{})
			c.say(tagRoute, dict{}, []any{}, dict{"db": "system"})
			c.say(tagRoute, dict{}, []any{}, dict{"db": ""})
			c.say(tagRoute, dict{}, []any{}, dict{"db": "NEO4J"})
			c.say(tagRoute, dict{"address": "elsewhere:7687", "region": "x"}, []any{"zzz"}, dict{"db": "neo4j"})
			c.say(tagRoute, dict{}, []any{}, dict{"db": "nosuch"})
			c.say(tagReset)
			c.say(tagRoute, dict{}, []any{}, dict{"db": "neo4j", "imp_user": "other"})
			c = s.admin(v44)
			c.say(tagRoute, dict{}, []any{}, dict{"db": "neo4j"})
			c.say(tagRoute, dict{}, []any{}, dict{"db": "nosuch"})
			c = s.admin(version{4, 3})
			c.say(tagRoute, dict{}, []any{}, "neo4j")
			c.say(tagRoute, dict{}, []any{}, nil)
		}},
		{name: "notifications", hold: func(s *stage) {
			for _, v := range []version{v44, v54, v56, v58} {
				c := s.admin(v)
				c.label = v.String() + " "
				c.run("neo4j", "MATCH (n:NoSuchLabel) RETURN n.nosuch AS x", nil)
				c.run("system", "DROP USER nobody IF EXISTS", nil)
			}
			c := s.admin(v58)
			c.say(tagRun, "MATCH (n:NoSuchLabel) RETURN n", dict{}, dict{"db": "neo4j", "notifications_minimum_severity": "OFF"})
			c.say(tagPull, dict{"n": -1})
			c.say(tagRun, "MATCH (n:NoSuchLabel) RETURN n", dict{}, dict{"db": "neo4j", "notifications_disabled_classifications": []any{"UNRECOGNIZED"}})
			c.say(tagPull, dict{"n": -1})
		}},
		{name: "explain", hold: func(s *stage) {
			c := s.admin(v58)
			for _, statement := range []string{"EXPLAIN CREATE USER x SET PASSWORD 'some-password'", "EXPLAIN SHOW USERS", "EXPLAIN SHOW USERS YIELD user AS u", "EXPLAIN SHOW DATABASES"} {
				c.say(tagRun, statement, dict{}, dict{"db": "system"})
				c.ask(tagPull, dict{"n": -1})
				meta := c.answer(tagSuccess)
				delete(meta, "plan") // of the planner's own making
				c.note("  SUCCESS %s", s.show("", meta))
			}
		}},
	}
}
