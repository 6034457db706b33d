package neo4jtest

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The conformance suite is one list of conversations that is held with a real Neo4j Community server and with the emulator. What the real server said is kept in
// testdata/conformance-VERSION.txt, so that the emulator is held to it where no real server is at hand. To record it anew:
//
//	.ci/neo4j-community 5.26.30 go test ./neo4j/neo4jtest -run TestConformanceReal -update

var update = flag.Bool("update", false, "record what the real server says")

// recordedVersions are those with a recording.
func recordedVersions() []string { return []string{"5.26.30", "2026.08.1"} }

// conversation is one part of the suite. It must leave the server as it found it.
type conversation struct {
	name     string
	calendar bool // needs a calendar version
	hold     func(*stage)
}

// stage is a server that conversations are held with, and what was said.
type stage struct {
	t              *testing.T
	address        string // host:port
	user, password string
	calendar       bool
	unique         string // a user name that no earlier run has used: servers count failures by name
	out            *strings.Builder
}

func conversations() []conversation {
	return slices.Concat(handshakeConversations(), loginConversations(), stateConversations(), resultConversations(), userConversations(), showConversations(),
		transactionConversations(), driverConversations())
}

// record holds all conversations and returns their transcripts by name.
func record(t *testing.T, s stage) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, c := range conversations() {
		if c.calendar && !s.calendar {
			continue
		}
		if _, twice := all[c.name]; twice {
			t.Fatalf("two conversations are called %s", c.name)
		}
		ok := t.Run(c.name, func(t *testing.T) {
			here := s
			here.t, here.out = t, &strings.Builder{}
			here.unique = fmt.Sprintf("conf-%d", time.Now().UnixNano())
			c.hold(&here)
			all[c.name] = here.out.String()
		})
		if !ok {
			all[c.name] = brokeOff
		}
	}
	return all
}

// brokeOff stands for the transcript of a conversation that was not held to its end.
const brokeOff = "the conversation broke off\n"

func recording(version string) string {
	return filepath.Join("testdata", "conformance-"+version+".txt")
}

// TestConformanceReal checks, or with -update makes, the recording.
func TestConformanceReal(t *testing.T) {
	address, ok := strings.CutPrefix(os.Getenv("NEO4J_REAL_URI"), "bolt://")
	if !ok {
		t.Skip("needs a real server: .ci/neo4j-community 5.26.30 go test ./neo4j/...")
	}
	version := os.Getenv("NEO4J_REAL_VERSION")
	got := record(t, stage{address: address, user: os.Getenv("NEO4J_REAL_USERNAME"), password: os.Getenv("NEO4J_REAL_PASSWORD"), calendar: !strings.HasPrefix(version, "5.")})
	if *update && !t.Failed() {
		var text strings.Builder
		text.WriteString("What Neo4j Community " + version + " said in the conversations of conformance_test.go.\n")
		for _, c := range conversations() {
			if said, ok := got[c.name]; ok {
				text.WriteString("\n== " + c.name + "\n" + said)
			}
		}
		if err := os.WriteFile(recording(version), []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	compareTalk(t, readRecording(t, version), got, nil, nil)
}

// TestConformanceEmulator holds the emulator to the recordings.
func TestConformanceEmulator(t *testing.T) {
	used := map[int]bool{}
	for _, version := range recordedVersions() {
		t.Run(version, func(t *testing.T) {
			s := start(t, &Server{Version: version, Edition: EditionCommunity})
			got := record(t, stage{address: strings.TrimPrefix(s.URL, "bolt://"), user: "neo4j", password: testPassword, calendar: !strings.HasPrefix(version, "5.")})
			compareTalk(t, readRecording(t, version), got, differences(), used)
		})
	}
	for i, d := range differences() {
		if !used[i] {
			t.Errorf("%s is listed as a difference, but there is none", d.where)
		}
	}
}

func readRecording(t *testing.T, version string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(recording(version))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, section := range strings.Split(string(data), "\n== ")[1:] {
		name, said, _ := strings.Cut(section, "\n")
		all[name] = said
	}
	return all
}

// difference is how the emulator is known to differ: where (a pattern of "conversation: what was asked"), in what, and why.
type difference struct {
	where  string
	what   aspect
	reason string
}

// aspect is what may differ; everything else has to be equal.
type aspect int

const (
	wholeAnswer aspect = iota // the whole answer
	gqlStatuses               // GQL statuses, with their descriptions, positions and causes
	wordsToo                  // the message as well: the code is compared
	embedded                  // default and origin of the two settings whose defaults are others in an embedded server
)

var (
	failureStatus   = regexp.MustCompile(`FAILURE \{.*?(message: "(?:[^"\\]|\\.)*", neo4j_code: "[^"]*")\}`)
	driverStatus    = regexp.MustCompile(`(?m)(^  [0-9A-Z]{5} ".*, (retryable .*)|^  cause .*\n)`)
	embeddedSetting = regexp.MustCompile(`(?m)(\["(?:server\.bolt\.enabled|dbms\.security\.auth_enabled)", "true", ).*`)
	failureMessage  = regexp.MustCompile(`message: "(?:[^"\\]|\\.)*"`)
	driverMessage   = regexp.MustCompile(`(?m)^(  error \S+) .*`)
)

// without leaves an aspect out of an exchange.
func (a aspect) without(exchange string) string {
	switch a {
	case wholeAnswer:
		return ""
	case embedded:
		return embeddedSetting.ReplaceAllString(exchange, "$1…")
	case wordsToo:
		exchange = failureMessage.ReplaceAllString(gqlStatuses.without(exchange), "…")
		return driverMessage.ReplaceAllString(exchange, "$1")
	}
	return driverStatus.ReplaceAllString(failureStatus.ReplaceAllString(exchange, "FAILURE {$1}"), "$2")
}

// compareTalk wants every exchange as recorded, but for the known differences.
func compareTalk(t *testing.T, want, got map[string]string, known []difference, used map[int]bool) {
	t.Helper()
	for _, name := range sortedNames(want) {
		if got[name] == brokeOff {
			continue // which has failed the test already
		}
		for _, pair := range aligned(exchanges(want[name]), exchanges(got[name])) {
			w, g := pair[0], pair[1]
			asked, _, _ := strings.Cut(cmp.Or(w, g), "\n")
			if w != g && !forgiven(name+": "+asked, w, g, known, used) {
				t.Errorf("%s\nrecorded\n%sgot\n%s", name, cmp.Or(w, "nothing\n"), cmp.Or(g, "nothing\n"))
			}
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is not recorded: record anew with -update", name)
		}
	}
}

// aligned puts exchanges side by side that ask the same; where one side stops earlier than the other, "" stands.
func aligned(want, got []string) [][2]string {
	ask := func(exchange string) string { asked, _, _ := strings.Cut(exchange, "\n"); return asked }
	var out [][2]string
	for len(want) > 0 || len(got) > 0 {
		switch {
		case len(want) == 0:
			out, got = append(out, [2]string{"", got[0]}), got[1:]
		case len(got) == 0:
			out, want = append(out, [2]string{want[0], ""}), want[1:]
		case ask(want[0]) == ask(got[0]):
			out, want, got = append(out, [2]string{want[0], got[0]}), want[1:], got[1:]
		case slices.ContainsFunc(want, func(w string) bool { return ask(w) == ask(got[0]) }):
			out, want = append(out, [2]string{want[0], ""}), want[1:]
		default:
			out, got = append(out, [2]string{"", got[0]}), got[1:]
		}
	}
	return out
}

func forgiven(where, want, got string, known []difference, used map[int]bool) bool {
	for i, d := range known {
		if regexp.MustCompile(d.where).MatchString(where) && d.what.without(want) == d.what.without(got) {
			used[i] = true
			return true
		}
	}
	return false
}

// exchanges cuts a transcript before every line that does not begin with a blank.
func exchanges(said string) []string {
	var out []string
	for line := range strings.Lines(said) {
		if len(out) == 0 || !strings.HasPrefix(line, " ") {
			out = append(out, "")
		}
		out[len(out)-1] += line
	}
	return out
}

// talk is one connection that writes down what is said on it.
type talk struct {
	*rawClient
	s       *stage
	label   string // of the connection, when there are several
	version version
}

func (s *stage) dial() *talk {
	c := &talk{rawClient: dial(s.t, s.address), s: s}
	c.patience()
	return c
}

// patience lets a real server that has just started, on a busy machine, take its time.
func (c *talk) patience() {
	if err := c.conn.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		c.t.Fatal(err)
	}
}

// connect agrees on v without writing that down.
func (s *stage) connect(v version) *talk {
	s.t.Helper()
	c := &talk{rawClient: connect(s.t, s.address, v), s: s, version: v}
	c.patience()
	return c
}

func basicAuth(user, password string) dict {
	return dict{"scheme": "basic", "principal": user, "credentials": password}
}

// logOn logs in without writing that down.
func (s *stage) logOn(v version, user, password string) *talk {
	s.t.Helper()
	c := s.connect(v)
	extra := helloExtra()
	auth := basicAuth(user, password)
	if !v.atLeast(5, 1) {
		for k, value := range auth {
			extra[k] = value
		}
	}
	c.success(tagHello, extra)
	if v.atLeast(5, 1) {
		c.success(tagLogon, auth)
	}
	return c
}

func (s *stage) admin(v version) *talk {
	s.t.Helper()
	return s.logOn(v, s.user, s.password)
}

// setUp runs statements that are no part of the conversation.
func (s *stage) setUp(statements ...string) {
	s.t.Helper()
	c := s.admin(v58)
	defer c.conn.Close()
	for _, statement := range statements {
		c.success(tagRun, statement, dict{}, dict{"db": "system"})
		c.success(tagPull, dict{"n": -1})
	}
}

// withUsers is a conversation for which users are made before and removed after.
func (s *stage) withUsers(names ...string) {
	s.t.Helper()
	s.dropUsers(names...)
	for _, name := range names {
		s.setUp("CREATE USER `" + name + "` SET PASSWORD 'first-password' CHANGE NOT REQUIRED")
	}
	s.t.Cleanup(func() { s.dropUsers(names...) })
}

func (s *stage) dropUsers(names ...string) {
	s.t.Helper()
	for _, name := range names {
		s.setUp("DROP USER `" + name + "` IF EXISTS")
	}
}

var messageNames = map[byte]string{
	tagHello: "HELLO", tagGoodbye: "GOODBYE", tagReset: "RESET", tagRun: "RUN", tagBegin: "BEGIN", tagCommit: "COMMIT", tagRollback: "ROLLBACK",
	tagDiscard: "DISCARD", tagPull: "PULL", tagTelemetry: "TELEMETRY", tagRoute: "ROUTE", tagLogon: "LOGON", tagLogoff: "LOGOFF",
	tagSuccess: "SUCCESS", tagRecord: "RECORD", tagIgnored: "IGNORED", tagFailure: "FAILURE",
}

func (c *talk) note(format string, args ...any) { fmt.Fprintf(c.s.out, format+"\n", args...) }

// say sends a message, writes down all that is answered, and returns the tag of the last answer; 0 when the connection was closed instead.
func (c *talk) say(tag byte, fields ...any) byte {
	c.t.Helper()
	c.ask(tag, fields...)
	return c.hear()
}

// ask sends a message and writes it down.
func (c *talk) ask(tag byte, fields ...any) {
	c.t.Helper()
	words := []string{c.label + messageNames[tag]}
	for _, f := range fields {
		words = append(words, c.s.show("", f))
	}
	c.note("%s", strings.Join(words, " "))
	_, _ = c.conn.Write(appendChunks(nil, packed(c.t, codec58, structure{tag, fields}))) // a server that has closed already says so when it is heard
}

// together sends messages at once, and writes down what each is answered.
func (c *talk) together(messages ...structure) {
	c.t.Helper()
	var out []byte
	for _, m := range messages {
		out = appendChunks(out, packed(c.t, codec58, m))
	}
	c.raw(out)
	for _, m := range messages {
		c.note("%s", c.label+messageNames[m.tag])
		c.hear()
	}
}

// hear writes down records and the message that ends them.
func (c *talk) hear() byte {
	c.t.Helper()
	for {
		data, err := c.wire.readMessage(maxMessage)
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			c.t.Fatal("no answer")
		}
		if err != nil {
			c.note("  closed")
			return 0
		}
		v, err := decodeAll(data, nil)
		if err != nil {
			c.t.Fatal(err)
		}
		message := v.(structure)
		line := "  " + cmp.Or(messageNames[message.tag], fmt.Sprintf("0x%02X", message.tag))
		for _, f := range message.fields {
			line += " " + c.s.show("", f)
		}
		c.note("%s", line)
		if message.tag != tagRecord {
			return message.tag
		}
	}
}

// run runs a statement to its end, and makes the connection usable again when it is refused.
func (c *talk) run(db, statement string, params dict) bool {
	c.t.Helper()
	extra := dict{}
	if db != "" {
		extra["db"] = db
	}
	if c.say(tagRun, statement, orEmpty(params), extra) == tagSuccess && c.say(tagPull, dict{"n": -1}) == tagSuccess {
		return true
	}
	c.send(tagReset)
	c.answer(tagSuccess)
	return false
}

// system runs statements on the system database.
func (c *talk) system(statements ...string) {
	c.t.Helper()
	for _, statement := range statements {
		c.run("system", statement, nil)
	}
}

// bare runs statements and writes down only the shape of their rows: names and types.
func (c *talk) bare(db string, statements ...string) {
	c.t.Helper()
	for _, statement := range statements {
		meta := c.success(tagRun, statement, dict{}, dict{"db": db})
		fields := meta["fields"].([]any)
		c.send(tagPull, dict{"n": -1})
		kinds := make([]map[string]bool, len(fields))
		rows := 0
		for {
			message := c.receive()
			if message.tag != tagRecord {
				break
			}
			rows++
			for i, v := range message.fields[0].([]any) {
				if kinds[i] == nil {
					kinds[i] = map[string]bool{}
				}
				kinds[i][kindName(v)] = true
			}
		}
		c.note("types of %s", statement)
		for i, f := range fields {
			c.note("  %s: %s", f, strings.Join(sortedNames(kinds[i]), ", "))
		}
	}
}

func kindName(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case structure:
		return fmt.Sprintf("structure %c", v.tag)
	case []any:
		return "list"
	case dict:
		return "map"
	}
	return fmt.Sprintf("%T", v)
}

var (
	passwordHash = regexp.MustCompile(`\d,[0-9a-f]{64},[0-9a-f]{32,64}`)
	parserWords  = regexp.MustCompile(`(?s)(Invalid input '[^']*').*`)
)

// show writes a value with what changes from run to run, or says nothing, replaced: times, bookmarks, identities, addresses, hashes. What a real parser would have
// liked instead of an invalid input is a list that only that parser can make; the place and the status stay.
func (s *stage) show(key string, v any) string {
	switch key {
	case "t_first", "t_last":
		if n, ok := v.(int64); ok && n >= 0 {
			return "<ms>"
		}
	case "bookmark", "connection_id":
		if text, ok := v.(string); ok && text != "" {
			return "<" + key + ">"
		}
	}
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		v = strings.ReplaceAll(v, s.address, "<address>")
		// Bolt 5.8 tells the advertised address, whose host 5.26 gives by name.
		v = strings.ReplaceAll(v, "localhost:"+s.address[strings.LastIndex(s.address, ":")+1:], "<address>")
		if s.password != "" {
			v = strings.ReplaceAll(v, s.password, "<password>")
		}
		if s.unique != "" {
			v = strings.ReplaceAll(v, s.unique, "<user>")
		}
		v = passwordHash.ReplaceAllString(v, "<hash>")
		if key == "message" || key == "description" {
			v = parserWords.ReplaceAllString(v, "$1 …")
		}
		return fmt.Sprintf("%q", v)
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = s.show("", item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case dict:
		var parts []string
		for _, k := range sortedNames(v) {
			parts = append(parts, k+": "+s.show(k, v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case structure:
		return fmt.Sprintf("structure %c%s", v.tag, s.show("", v.fields))
	}
	return fmt.Sprint(v)
}
