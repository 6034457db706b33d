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
		Statements []string
		// Params are the values of the parameters that the statements name, passwords among them. Each statement is sent those that it names.
		Params map[string]reconcile.Value
		// Creates, Renames and Drops say that the first, the first, and the last statement makes, renames or drops the role or user: refused a second time, because it is
		// there or gone, it has been done.
		Creates, Renames, Drops bool
		// Joined says that the statements go into the transaction of an earlier step, and Spared how many of them an earlier step's say with their own.
		Joined bool
		Spared int
		// Looks is how many queries are made right before the transaction, to see whether what it changes has moved. Of steps that are made together the first has them all.
		Looks int
		// Seen is what the plan saw of what is changed; nil for what is new.
		Seen *Seen
	}
	// Configure sets a dynamic setting in one member's memory, or, with Check, asks the member whether it would take the value.
	Configure struct {
		Member  string // host:port
		Setting string
		Value   reconcile.Value // empty collections reset the setting to its default
		Check   bool
		Secrets map[string]reconcile.Secret // by the text that stands for each in Value
		// Was is the setting in that member's memory when the plan was made, as its fingerprint where it may hold a secret, nil for unset, if Listed says that it was
		// shown. One that is neither that nor the value by the time of the call is left alone.
		Was    *string
		Listed bool
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
	Was   *string         // what the line said when the edit was planned, as its fingerprint where it may hold a secret; nil: there was none
	// Secrets are those in Value, by the text that stands for each.
	Secrets map[string]reconcile.Secret
	// Add and Drop are entries of a list. The list's other entries stay as they are, in their order; Base is the list where the file has no such line.
	Add, Drop string
	Base      []string
}

// Expectation is what a member has to have in memory after a restart: a value, or an entry in a list, or an entry no longer in it.
type Expectation struct {
	Setting string
	Value   reconcile.Value
	Secrets map[string]reconcile.Secret // by the text that stands for each in Value
	Entry   string
	Listed  bool
}

// String gives the statements, one a line, each with the values of its parameters in a comment; secrets as their origins.
func (t Transaction) String() string {
	lines := make([]string, len(t.Statements))
	for i, s := range t.Statements {
		lines[i] = s
		var values []string
		for _, name := range t.paramsOf(s) {
			values = append(values, "$"+name+" = "+t.Params[name].String())
		}
		if len(values) > 0 {
			lines[i] += " // " + strings.Join(values, ", ")
		}
	}
	return strings.Join(lines, "\n")
}

// paramsOf lists the parameters that a statement names.
func (t Transaction) paramsOf(statement string) []string {
	var names []string
	for _, name := range sortedKeys(t.Params) {
		if slices.Contains(strings.FieldsFunc(statement, func(r rune) bool { return r == ' ' || r == ',' }), "$"+name) {
			names = append(names, name)
		}
	}
	return names
}

// send resolves the parameters of each statement.
func (t Transaction) send(resolve reconcile.Resolver) ([]statement, error) {
	out := make([]statement, len(t.Statements))
	for i, text := range t.Statements {
		params, err := t.open(text, resolve)
		if err != nil {
			return nil, err
		}
		out[i] = statement{text: text, params: params}
	}
	return out, nil
}

// open resolves the parameters of a statement.
func (t Transaction) open(statement string, resolve reconcile.Resolver) (map[string]reconcile.Value, error) {
	var params map[string]reconcile.Value
	for _, name := range t.paramsOf(statement) {
		v := reconcile.Resolve(t.Params[name], resolve)
		if !reconcile.Known(v) {
			return nil, fmt.Errorf("parameter $%s of %s: %s", name, statement, v)
		}
		if params == nil {
			params = make(map[string]reconcile.Value)
		}
		params[name] = v
	}
	return params, nil
}

// Calls is one transaction, unless another step opens it, with the queries right before it, and those of its statements that no other step's say too. The statements of a
// transaction are sent at once, so that all of them are one way there and back, and COMMIT is another.
func (t Transaction) Calls() []reconcile.Tally {
	calls := queries(t.Looks)
	if !t.Joined {
		calls = append(calls, reconcile.Tally{What: "transaction", N: 1})
	}
	if n := len(t.Statements) - t.Spared; n > 0 {
		along := n
		if !t.Joined {
			along--
		}
		calls = append(calls, reconcile.Tally{What: "statement", N: n, Along: along})
	}
	return calls
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

// Calls is one procedure call. A setting that is set is read right before it and once more after it, as far as the member shows it.
func (c Configure) Calls() []reconcile.Tally {
	looks := 0
	if !c.Check && c.Listed {
		looks++
	}
	if !c.Check && len(c.Secrets) == 0 {
		looks++
	}
	return append(queries(looks), reconcile.Tally{What: "procedure call", N: 1})
}

// sortQuery is how a statement that runs by itself is counted.
const sortQuery = "query"

// queries counts statements that run by themselves; none is no entry.
func queries(n int) []reconcile.Tally {
	if n == 0 {
		return nil
	}
	return []reconcile.Tally{{What: sortQuery, N: n}}
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
		how = reconcile.ShellWords(r.Command...)
	}
	lines := make([]string, len(r.Members))
	for i, m := range r.Members {
		lines[i] = "KEYMAKER_MEMBER=" + reconcile.ShellWord(m) + " " + how
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
		return s.doTransaction(ctx, op, resolve)
	case Configure:
		return s.doConfigure(ctx, op, resolve)
	case WriteConf:
		return s.doWriteConf(op, resolve)
	case Restart:
		return s.doRestart(ctx, op, resolve)
	}
	return reconcile.Outcome{}, fmt.Errorf("neo4j: no such op: %T", op)
}

func (s *System) doTransaction(ctx context.Context, t Transaction, resolve reconcile.Resolver) (reconcile.Outcome, error) {
	statements, err := t.send(resolve)
	if err != nil {
		return reconcile.Outcome{}, err
	}
	unmoved := func() error { return s.unmoved(ctx, []Transaction{t}) }
	if err := s.client.transact(ctx, s.uri.String(), statements, unmoved, t.settled); err != nil {
		return reconcile.Outcome{}, err
	}
	return t.outcome(), nil
}

// settled says whether a refusal, after an earlier try whose answer got lost, means that the earlier try took effect.
func (t Transaction) settled(err error) bool {
	if codeOf(err) != codeArgument {
		return false
	}
	gone := strings.Contains(messageOf(err), "does not exist")
	return t.Creates && strings.Contains(messageOf(err), "already exists") || (t.Drops || t.Renames) && gone
}

func (t Transaction) outcome() reconcile.Outcome {
	if n := len(t.Statements); n != 1 {
		return reconcile.Outcome{Said: fmt.Sprintf("%d statements", n)}
	}
	return reconcile.Outcome{Said: "1 statement"}
}

func (s *System) doConfigure(ctx context.Context, c Configure, resolve reconcile.Resolver) (reconcile.Outcome, error) {
	value, hidden, err := s.client.text(c.Value, c.Secrets, resolve)
	if err != nil {
		return reconcile.Outcome{}, fmt.Errorf("%s: %w", c.Setting, err)
	}
	if !c.Check {
		if done, err := s.stillAs(ctx, c, value); done || err != nil {
			return reconcile.Outcome{}, err
		}
	}
	statement := "CALL " + c.procedure() + "($setting, $value)"
	if c.Check {
		statement += " YIELD valid, message"
	}
	rows, err := s.client.query(ctx, s.memberURI(c.Member), statement, map[string]any{"setting": c.Setting, "value": value})
	if err != nil {
		var no *reconcile.Refusal
		if errors.As(err, &no) {
			code := codeOf(err)
			no.Call, no.Answer = c.String(), unsaid(no.Answer, hidden)
			for i := range no.Causes {
				no.Causes[i] = unsaid(no.Causes[i], hidden)
			}
			if len(hidden) > 0 {
				no.Err = nil // its words may quote the value
			}
			if code == codeForbidden || code == codeNoProcedure {
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
			no.Answer = "valid = false: " + unsaid(rows[0].text("message"), hidden)
		}
		return reconcile.Outcome{}, no
	}
	if !c.Check {
		err = s.stays(ctx, c, value)
	}
	return reconcile.Outcome{}, err
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
