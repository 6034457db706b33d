package neo4j

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"keymaker/reconcile"
)

type (
	// Transaction runs statements on the system database, all of them or none.
	Transaction struct {
		Role       string // whose it is
		Statements []string
		// Creates and Drops say that the first statement makes or drops the role: refused a second time, it has been done.
		Creates, Drops bool
	}
	// Configure sets a dynamic setting in one member's memory, or, with Check, asks the member whether it would take the value.
	Configure struct {
		Member  string // host:port
		Setting string
		Value   reconcile.Value // empty collections reset the setting to its default
		Check   bool
	}
	// WriteConf changes lines in Keymaker's block of neo4j.conf.
	WriteConf struct {
		File  string
		Edits []ConfEdit
	}
	// Restart restarts members one after the other, each only after the one before it has answered with the settings that are expected of it.
	Restart struct {
		Members []string // host:port
		Command []string // empty when the sandbox restarts them
		Timeout time.Duration
		Expect  []Expectation
	}
)

// ConfEdit is what becomes of one setting in neo4j.conf: a new value, no line at all, or a provider list with an entry more or less.
type ConfEdit struct {
	Key   string
	Value reconcile.Value // nil: the line goes
	Was   *string         // what the line said when the edit was planned; nil: there was none
	// Add and Drop are entries of a list. The list's other entries stay as they are, in their order; Base is the list where the file has no such line.
	Add, Drop string
	Base      []string
}

// Expectation is what a member has to have in memory after a restart: a value, or an entry in a list, or an entry no longer in it.
type Expectation struct {
	Setting string
	Value   reconcile.Value
	Entry   string
	Listed  bool
}

// String gives the statements, one a line.
func (t Transaction) String() string { return strings.Join(t.Statements, "\n") }

// Calls is one transaction and its statements.
func (t Transaction) Calls() []reconcile.Tally {
	return []reconcile.Tally{{What: "transaction", N: 1}, {What: "statement", N: len(t.Statements)}}
}

func (c Configure) procedure() string {
	if c.Check {
		return "dbms.checkConfigValue"
	}
	return "dbms.setConfigValue"
}

// String gives the call and the member.
func (c Configure) String() string {
	return fmt.Sprintf("CALL %s(%s, %s) on %s", c.procedure(), quoteString(c.Setting), quoteString(showSetting(c.Value)), c.Member)
}

// Calls is one procedure call.
func (c Configure) Calls() []reconcile.Tally {
	return []reconcile.Tally{{What: "procedure call", N: 1}}
}

// String gives the file, and every line as it will be or will no longer be.
func (w WriteConf) String() string {
	lines := []string{"write " + w.File}
	for _, e := range w.Edits {
		lines = append(lines, "  "+e.String())
	}
	return strings.Join(lines, "\n")
}

// Calls is one file write.
func (w WriteConf) Calls() []reconcile.Tally { return []reconcile.Tally{{What: "file write", N: 1}} }

// String gives the line with + or - before it.
func (e ConfEdit) String() string {
	switch {
	case (e.Add != "" || e.Drop != "") && !e.isDefault(e.Base):
		return "+ " + e.Key + "=" + strings.Join(e.list(e.Base), ",")
	case e.Value == nil || isEmpty(e.Value):
		return "- " + e.Key
	}
	return "+ " + e.Key + "=" + showSetting(e.Value)
}

// list is a provider list after the edit.
func (e ConfEdit) list(was []string) []string {
	list := slices.DeleteFunc(slices.Clone(was), func(s string) bool { return s == e.Drop })
	if e.Add != "" && !slices.Contains(list, e.Add) {
		list = append(list, e.Add)
	}
	return list
}

// isDefault says whether a list is, after the edit, what Neo4j takes without such a line: native alone, or nothing.
func (e ConfEdit) isDefault(was []string) bool {
	list := e.list(was)
	return len(list) == 0 || len(list) == 1 && list[0] == "native"
}

// String gives one line for each member, with the command as it is run.
func (r Restart) String() string {
	how := "restart"
	if len(r.Command) > 0 {
		words := make([]string, len(r.Command))
		for i, w := range r.Command {
			words[i] = w
			if w == "" || strings.ContainsAny(w, " \t\n\"'\\$`") || hasControl(w) {
				words[i] = reconcile.Text(w).String()
			}
		}
		how = strings.Join(words, " ")
	}
	lines := make([]string, len(r.Members))
	for i, m := range r.Members {
		lines[i] = "KEYMAKER_MEMBER=" + m + " " + how
	}
	return strings.Join(lines, "\n")
}

// Calls is a restart for each member.
func (r Restart) Calls() []reconcile.Tally {
	return []reconcile.Tally{{What: "restart", N: len(r.Members)}}
}

// Do makes one op. All of them are safe to repeat: a call whose answer was lost is made again, and only when that cannot be told about either is its
// outcome unknown. A server's no is a *reconcile.Refusal.
func (s *System) Do(ctx context.Context, op reconcile.Op, resolve reconcile.Resolver) (reconcile.Outcome, error) {
	switch op := op.(type) {
	case Transaction:
		return s.doTransaction(ctx, op)
	case Configure:
		return s.doConfigure(ctx, op, resolve)
	case WriteConf:
		return s.doWriteConf(op, resolve)
	case Restart:
		return s.doRestart(ctx, op, resolve)
	}
	return reconcile.Outcome{}, fmt.Errorf("neo4j: no such op: %T", op)
}

func (s *System) doTransaction(ctx context.Context, t Transaction) (reconcile.Outcome, error) {
	done := func(err error) bool {
		if codeOf(err) != codeArgument {
			return false
		}
		return t.Creates && strings.Contains(messageOf(err), "already exists") || t.Drops && strings.Contains(messageOf(err), "does not exist")
	}
	if err := s.client.transact(ctx, s.uri.String(), t.Statements, done); err != nil {
		return reconcile.Outcome{}, err
	}
	said := "1 statement"
	if n := len(t.Statements); n != 1 {
		said = fmt.Sprintf("%d statements", n)
	}
	return reconcile.Outcome{Said: said}, nil
}

func (s *System) doConfigure(ctx context.Context, c Configure, resolve reconcile.Resolver) (reconcile.Outcome, error) {
	value, err := settingText(reconcile.Resolve(c.Value, resolve))
	if err != nil {
		return reconcile.Outcome{}, fmt.Errorf("%s: %w", c.Setting, err)
	}
	statement := "CALL " + c.procedure() + "($setting, $value)"
	if c.Check {
		statement += " YIELD valid, message"
	}
	rows, err := s.client.query(ctx, s.memberURI(c.Member), statement, map[string]any{"setting": c.Setting, "value": value})
	if err != nil {
		var no *reconcile.Refusal
		if errors.As(err, &no) {
			no.Call = c.String()
			if codeOf(err) == codeForbidden || codeOf(err) == codeNoProcedure {
				no.Remedy = "The user needs EXECUTE ADMIN PROCEDURES ON DBMS, and the server Enterprise Edition, self-managed."
			}
		}
		var gone *lostError
		if !c.Check && errors.As(err, &gone) {
			err = fmt.Errorf("%w: %w", err, reconcile.ErrUnknownOutcome)
		}
		return reconcile.Outcome{}, err
	}
	if c.Check && (len(rows) == 0 || !rows[0].flag("valid")) {
		no := &reconcile.Refusal{Call: c.String(), Answer: "no row", Field: attrOf(c.Setting)}
		if len(rows) > 0 {
			no.Answer = "valid = false: " + rows[0].text("message")
		}
		return reconcile.Outcome{}, no
	}
	return reconcile.Outcome{}, nil
}

// attrOf is the attribute that a provider's setting comes from.
func attrOf(setting string) string {
	for _, ps := range settingsTable() {
		if strings.HasPrefix(setting, oidcPrefix) && strings.HasSuffix(setting, "."+ps.suffix) {
			return ps.attr
		}
	}
	return ""
}
