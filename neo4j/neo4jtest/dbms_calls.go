package neo4jtest

import (
	"slices"
	"strings"
)

const mask = "'***'"

// record lists a statement.
func (d *dbms) record(t *tx, query string, res *result, failure *Failure) {
	c := Call{User: t.who.user, Database: t.opts.db, Member: t.m.index, Statement: maskSecrets(query), Transaction: t.number}
	if res != nil {
		c.Rows = len(res.rows)
	}
	if failure != nil {
		c.Failure = failure.Code
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, c)
}

// maskSecrets replaces the string literals of a statement that speaks of passwords, but for the names of auth providers. A text that cannot be cut into tokens is not kept at all when it does.
func maskSecrets(query string) string {
	src, err := decodeUnicode(query)
	if err != nil {
		src = source{[]rune(query)}
	}
	if !strings.Contains(strings.ToUpper(string(src.runes)), "PASSWORD") {
		return query
	}
	tokens, err := lex(src)
	if err != nil {
		return mask
	}
	var out strings.Builder
	at := 0
	for i, t := range tokens {
		if t.kind == tokenString && !(i > 0 && slices.Contains([]string{"AUTH", "PROVIDER", "PROVIDERS"}, strings.ToUpper(tokens[i-1].text))) {
			out.WriteString(src.slice(at, t.start) + mask)
			at = t.end
		}
	}
	return out.String() + src.slice(at, len(src.runes))
}

// wireFault finds the accident that a moment is to have.
func (d *dbms) wireFault(ev event) wireFault {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.faults {
		if !strings.Contains(ev.statement, f.Match) || !f.at(ev) {
			continue
		}
		f.seen++
		if f.Nth == 0 || f.Nth == f.seen {
			return wireFault{notify: f.Notify, delay: f.Delay, drop: f.Drop, failure: f.Failure}
		}
	}
	return wireFault{}
}

// at says whether this is the moment of the fault: before a statement runs, before its commit, or after the commit that made it visible.
func (f *Fault) at(ev event) bool {
	if f.After {
		return ev.after && ev.message == "COMMIT"
	}
	if f.Commit {
		return !ev.after && ev.message == "COMMIT"
	}
	return !ev.after && ev.message == "RUN"
}
