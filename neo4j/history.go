package neo4j

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"keymaker/reconcile"
)

var _ reconcile.Historian = (*System)(nil)

// maxSecurityLog is how much of the log is read, from its end: Neo4j rotates the file at 20 MB unless told otherwise (Operations Manual, "Security events logging").
const maxSecurityLog = 64 << 20

// entry is one line of the security log that tells of a statement somebody ran.
type entry struct {
	at        time.Time
	user      string
	statement string
	line      int // of the file, from 1; 0 when only its end was read
	tokens    []token
}

// plainEntry is a line in the plain format (Operations Manual, "Security events logging"); older servers name their logger in brackets before the user.
var plainEntry = regexp.MustCompile(`^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}(?:[+-]\d{4}|Z)) +([A-Z]+) +(?:\[AsyncLog[^\]]*\] +)?\[([^\]]*)\]: (.*)$`)

// jsonEntry is a line in the JSON format (Operations Manual, "Security log JSON format"). Who runs a statement as somebody else is named apart: it was them.
type jsonEntry struct {
	Time          string `json:"time"`
	Level         string `json:"level"`
	User          string `json:"username"`
	Authenticated string `json:"authenticatedUser"`
	Executing     string `json:"executingUser"`
	Message       string `json:"message"`
}

const plainTime = "2006-01-02 15:04:05.000Z0700"

// parseEntry reads a line; false when it tells of no statement that was carried out: logins, errors, and whatever else stands in the file.
func parseEntry(line []byte) (entry, bool) {
	var j jsonEntry
	level := ""
	if bytes.HasPrefix(bytes.TrimSpace(line), []byte("{")) {
		if json.Unmarshal(line, &j) != nil {
			return entry{}, false
		}
		level = j.Level
		for _, user := range []string{j.Authenticated, j.Executing} {
			if j.User == "" {
				j.User = user
			}
		}
		if j.Authenticated != "" {
			j.User = j.Authenticated
		}
	} else {
		m := plainEntry.FindSubmatch(line)
		if m == nil {
			return entry{}, false
		}
		j, level = jsonEntry{Time: string(m[1]), User: string(m[3]), Message: string(m[4])}, string(m[2])
	}
	at, err := time.Parse(plainTime, j.Time)
	if err != nil {
		if at, err = time.Parse(time.RFC3339, j.Time); err != nil {
			return entry{}, false
		}
	}
	e := entry{at: at.UTC(), user: strings.TrimSpace(j.User), statement: strings.TrimSpace(j.Message)}
	if level != "INFO" || e.user == "" {
		return entry{}, false
	}
	tokens, perr := lex(e.statement)
	if perr != nil || len(tokens) < 2 || !tokens[0].is("CREATE", "DROP", "RENAME", "ALTER", "GRANT", "DENY", "REVOKE", "CALL") {
		return entry{}, false
	}
	e.tokens = tokens
	return e, true
}

// readSecurityLog reads the statements since a time, newest first.
func readSecurityLog(file string, since time.Time) ([]entry, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no plain file", file)
	}
	skipped := info.Size() > maxSecurityLog
	if skipped {
		if _, err := f.Seek(-maxSecurityLog, io.SeekEnd); err != nil {
			return nil, err
		}
	}
	return scanSecurityLog(f, skipped, since)
}

func scanSecurityLog(r io.Reader, skipped bool, since time.Time) ([]entry, error) {
	var all []entry
	lines := bufio.NewReaderSize(r, 64<<10)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if e, ok := parseEntry(bytes.TrimRight(line, "\r\n")); ok && !e.at.Before(since) {
			if !skipped {
				e.line = n
			}
			all = append(all, e)
		}
		if err == io.EOF {
			slices.Reverse(all)
			slices.SortStableFunc(all, func(a, b entry) int { return b.at.Compare(a.at) })
			return all, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// Who looks the objects up in the security log, where its file was named. A statement that says the very privilege, or that made or dropped the object, is exact. The user as whom
// keymaker is logged in is left out: its statements are keymaker's, as far as anybody can tell.
func (s *System) Who(_ context.Context, items []reconcile.DriftItem, since time.Time) map[reconcile.Addr]reconcile.Culprits {
	told := make(map[reconcile.Addr]reconcile.Culprits, len(items))
	var entries []entry
	why := "Neo4j's security log was not named (security_log of the connection, or --neo4j-security-log)"
	if s.securityLog != "" {
		var err error
		if entries, err = readSecurityLog(s.securityLog, since); err != nil {
			why = "Neo4j's security log could not be read: " + err.Error()
		} else {
			why = ""
		}
	}
	seen := s.last()
	for _, it := range items {
		if why != "" {
			told[it.Addr] = reconcile.Culprits{Object: s.nobody(why)}
			continue
		}
		told[it.Addr] = s.culprits(it, seen, entries, since)
	}
	return told
}

func (s *System) nobody(why string) reconcile.Attribution {
	return reconcile.Attribution{Confidence: reconcile.ConfidenceNone, System: s.Name(), Why: why}
}

func (s *System) attribution(e entry, sure reconcile.Confidence) reconcile.Attribution {
	event := filepath.Base(s.securityLog)
	if e.line > 0 {
		event = fmt.Sprintf("%s:%d", event, e.line)
	}
	return reconcile.Attribution{Confidence: sure, System: s.Name(), Actor: e.user, At: e.at, Event: event, What: e.verb()}
}

// verb is the statement's first words, and never a value of it: a statement may hold a password.
func (e entry) verb() string {
	words := []string{asciiUpper(e.tokens[0].text)}
	if next := e.tokens[1]; next.is("ROLE", "ROLES", "USER", "USERS", "GRANT", "DENY") {
		words = append(words, asciiUpper(next.text))
	}
	return strings.Join(words, " ")
}

func (s *System) culprits(it reconcile.DriftItem, seen snapshot, entries []entry, since time.Time) reconcile.Culprits {
	c := reconcile.Culprits{Diffs: make(map[string]reconcile.Attribution)}
	name := liveName(it.Want)
	if !it.Live.Addr.IsZero() {
		name = liveName(it.Live)
	}
	var about []entry
	own := false
	for _, e := range entries {
		if !e.names(it.Addr.Kind, name) {
			continue
		}
		if seen.user != "" && (e.user == seen.user || strings.HasPrefix(e.user, seen.user+"@")) {
			own = true
			continue
		}
		about = append(about, e)
	}
	for _, d := range it.Diffs {
		if i := slices.IndexFunc(about, func(e entry) bool { return e.makes(it, d) }); i >= 0 {
			c.Diffs[d.Name] = s.attribution(about[i], reconcile.ConfidenceExact)
		}
	}
	switch {
	case len(about) > 0:
		c.Object = s.attribution(about[0], reconcile.ConfidenceObject)
		i := slices.IndexFunc(about, func(e entry) bool {
			return it.State == reconcile.Missing && e.tokens[0].is("DROP", "RENAME") || it.State == reconcile.Extra && e.tokens[0].is("CREATE", "RENAME")
		})
		if i >= 0 {
			c.Object = s.attribution(about[i], reconcile.ConfidenceExact)
		}
	case own:
		c.Object = s.nobody("only user " + seen.user + ", as whom keymaker is logged in, changed it since " + since.UTC().Format(time.DateOnly))
	default:
		c.Object = s.nobody("no change to it is in Neo4j's security log since " + since.UTC().Format(time.DateOnly))
	}
	return c
}

// names says whether a statement is about an object, by the place where its name stands.
func (e entry) names(kind, name string) bool {
	if kind == kindProvider {
		return strings.Contains(e.statement, "dbms.security.oidc."+name+".")
	}
	ofRoles := (e.tokens[0].is("GRANT", "REVOKE")) && e.tokens[1].is("ROLE", "ROLES")
	word := ""
	for i, t := range e.tokens {
		if t.is("ROLE", "ROLES", "USER", "USERS", "TO", "FROM") && t.kind == tokenWord {
			word = asciiUpper(t.text)
			continue
		}
		if t.text != name || t.kind != tokenWord && t.kind != tokenQuoted || i == 0 {
			continue
		}
		last := e.tokens[i-1]
		if !last.sign(",") && !last.is("ROLE", "ROLES", "USER", "USERS", "TO", "FROM", "EXISTS") {
			continue
		}
		after := word == "TO" || word == "FROM"
		switch kind {
		case kindRole:
			if word == "ROLE" || word == "ROLES" || after && !ofRoles && !e.tokens[1].is("USER") {
				return true
			}
		case kindUser:
			if word == "USER" || word == "USERS" || after && (ofRoles || e.tokens[1].is("USER")) {
				return true
			}
		}
	}
	return false
}

// makes says whether a statement makes one difference: grants or takes the very privilege, gives or takes the very role.
func (e entry) makes(it reconcile.DriftItem, d reconcile.Diff) bool {
	switch {
	case it.Addr.Kind == kindRole && (d.Name == "grant" || d.Name == "deny"):
		access := Access(asciiUpper(d.Name))
		return e.assigns(access.Assign(), access, d.Removed) || e.assigns(access.Revoke(), access, d.Added)
	case it.Addr.Kind == kindUser && d.Name == attrRoles:
		return e.tokens[0].is("GRANT") && e.holdsAny(d.Removed) || e.tokens[0].is("REVOKE") && e.holdsAny(d.Added)
	}
	return false
}

// assigns says whether a statement of a verb is about one of some privileges. REVOKE alone takes grants and denials.
func (e entry) assigns(verb Verb, access Access, texts []reconcile.Value) bool {
	text := e.statement
	if e.tokens[0].is("REVOKE") && !e.tokens[1].is("GRANT", "DENY") {
		text = string(access.Revoke()) + text[len("REVOKE"):]
	}
	c, err := ParseCommand(text)
	if err != nil || c.Verb != verb {
		return false
	}
	for _, v := range texts {
		t, _ := v.(reconcile.Text)
		atoms, err := ParsePrivilege(access, string(t))
		if err == nil && slices.ContainsFunc(atoms, func(a Atom) bool { return slices.Contains(c.Atoms, a) }) {
			return true
		}
	}
	return false
}

func (e entry) holdsAny(names []reconcile.Value) bool {
	return slices.ContainsFunc(e.tokens, func(t token) bool { return slices.Contains(names, reconcile.Value(reconcile.Text(t.text))) })
}
