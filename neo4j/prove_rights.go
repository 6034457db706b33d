package neo4j

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

// The statements that are tried. The write makes a node without label and property, so that not even a name is new to the database; the transaction is rolled back.
const (
	readProbe  = "MATCH (n) RETURN true AS seen LIMIT 1"
	writeProbe = "CREATE ()"
)

// mostProbed bounds the databases on which an account's privileges are tried.
const mostProbed = 4

// ruling is what privileges mean for one thing.
type ruling int

const (
	undecided ruling = iota // limited to labels, properties or rules: one statement cannot show it
	allowed
	withheld
)

// held is one privilege or denial of a session, and which role gives it.
type held struct {
	atom   Atom
	access Access
	role   string
}

// String is the privilege as a statement has it.
func (h held) String() string { return string(h.access) + " " + h.atom.String() + " of role " + h.role }

// rights tries what the session's privileges mean, as the spec has them: a read and a write, each in a transaction that is rolled back. Privileges never show in what a
// login says: a role of the right name may have lost them, or have been denied them.
func (p *proof) rights(ctx context.Context) reconcile.Hop {
	if p.seen.rolesErr != nil {
		return left(hopRights, "not tried: Keymaker may not see the privileges, so nobody can say what is meant")
	}
	all, unclear := p.heldAsMeant()
	if unclear != "" {
		return left(hopRights, "not tried: role "+unclear+" has privileges that Keymaker does not understand")
	}
	home := p.homeDatabase(ctx)
	databases := probed(all, home)
	if len(databases) == 0 {
		return left(hopRights, "not tried: no privilege names a database, and the session has no home database")
	}
	var said []string
	for _, db := range databases[:min(mostProbed, len(databases))] {
		text, broken := p.tryDatabase(ctx, all, db, home)
		if broken != nil {
			return *broken
		}
		said = append(said, text)
	}
	if more := len(databases) - mostProbed; more > 0 {
		said = append(said, plural(more, "further database", "further databases")+" not tried")
	}
	if !slices.ContainsFunc(said, func(s string) bool { return !strings.HasSuffix(s, "not decided") }) {
		return left(hopRights, strings.Join(said, "; "))
	}
	return passed(hopRights, strings.Join(said, "; "))
}

// heldAsMeant lists the privileges and denials of the session's roles: the spec's for roles that it declares, the live ones for others. A role whose denials the spec
// leaves open is meant to have none: what it is granted is what it should be able to do. unclear names a role of which not every row is understood.
func (p *proof) heldAsMeant() (all []held, unclear string) {
	for _, role := range p.rows[0].texts("roles") {
		o, declared := p.meant.roles[role]
		live := p.seen.roles[role]
		if len(live.foreign) > 0 {
			return nil, role
		}
		for _, side := range []struct {
			access Access
			attr   string
		}{{AccessGrant, "grant"}, {AccessDeny, "deny"}} {
			if declared && (written(o, side.attr) || side.access == AccessDeny) {
				var meant []string
				if written(o, side.attr) {
					meant = reconcile.Texts(o.Get(side.attr))
				}
				for _, text := range append(meant, reconcile.Texts(o.Facts["immutable_"+side.attr])...) {
					atoms, err := ParsePrivilege(side.access, text)
					if err != nil {
						return nil, role
					}
					for _, a := range atoms {
						all = append(all, held{a, side.access, role})
					}
				}
				continue
			}
			for _, a := range live.rows(side.access).atoms() {
				all = append(all, held{a, side.access, role})
			}
		}
	}
	return all, ""
}

// homeDatabase asks for the session's home database; "" when it does not say.
func (p *proof) homeDatabase(ctx context.Context) string {
	if home := p.rows[0].text("home"); home != "" {
		return home
	}
	rows, err := p.ask(ctx, p.loginURI(p.seen.members[0]), "SHOW HOME DATABASE YIELD name")
	if err != nil || len(rows) == 0 {
		return ""
	}
	return rows[0].text("name")
}

// probed lists the databases that privileges name; where all are for every database, the home database.
func probed(all []held, home string) []string {
	var names []string
	for _, h := range all {
		if s := h.atom.Scope(); s != ScopeGraph && s != ScopeDatabase {
			continue
		}
		if name := h.atom.Place().Name(); name != "" && name != systemDatabase {
			names = append(names, name)
		}
	}
	if len(names) == 0 && home != "" && home != systemDatabase {
		names = []string{home}
	}
	return uniqueSorted(names)
}

// tryDatabase tries a read on every member that has a database, and a write where its writer is.
func (p *proof) tryDatabase(ctx context.Context, all []held, db, home string) (text string, broken *reconcile.Hop) {
	enter, why := mayEnter(all, db, home)
	read, write, whyWrite := enter, withheld, why
	if enter == allowed {
		write, whyWrite = mayCreate(all, db, home)
	} else if enter == undecided {
		write = undecided
	}
	readers, writer := p.where(db)
	var said []string
	for _, pr := range []probe{
		{"read", readProbe, db, readers, read, why, enter == allowed && maySee(all, db, home) == withheld},
		{"write", writeProbe, db, []string{writer}, write, whyWrite, false},
	} {
		if pr.meant == undecided {
			said = append(said, pr.what+" not decided")
			continue
		}
		for _, uri := range pr.uris {
			if broken := p.tryOn(ctx, uri, pr); broken != nil {
				return "", broken
			}
		}
		word := map[ruling]string{allowed: " allowed", withheld: " refused, as meant"}[pr.meant]
		if len(pr.uris) > 1 {
			word += ", by " + countMembers(len(pr.uris))
		}
		said = append(said, pr.what+word)
	}
	return db + ": " + strings.Join(said, ", "), nil
}

// probe is one thing that is tried on a database.
type probe struct {
	what, statement, db string
	uris                []string // where
	meant               ruling
	why                 []held
	blind               bool // no node may be seen, although the database may be entered
}

// tryOn tries a probe on one member, and says what is not as it is meant.
func (p *proof) tryOn(ctx context.Context, uri string, pr probe) *reconcile.Hop {
	on := pr.what + " on " + pr.db
	if len(p.seen.members) > 1 {
		on += ", by " + uri + ","
	}
	d, err := p.as(uri)
	var rows []row
	if err == nil {
		p.evidence.Run.Count(costQuery, 1)
		rows, err = p.system.client.tryOut(ctx, d, uri, pr.db, pr.statement, pr.what == "write")
	}
	came, known := outcome(err)
	switch {
	case !known:
		return p.unrulable(on, err)
	case came != pr.meant:
		return p.wrongRight(pr, on, err)
	case pr.blind && len(rows) > 0:
		pr.what, pr.meant, pr.why = "read of nodes", withheld, nil
		return p.wrongRight(pr, strings.Replace(on, "read", "read of nodes", 1), nil)
	}
	return nil
}

// outcome is what a server's answer says of a privilege; known is false when it says something else.
func outcome(err error) (came ruling, known bool) {
	switch {
	case err == nil:
		return allowed, true
	case codeOf(err) == codeForbidden, codeOf(err) == codeNoDatabase:
		return withheld, true
	}
	return undecided, false
}

// unrulable is for an answer that says nothing about privileges: another member leads, the database is read-only, the connection was lost.
func (p *proof) unrulable(on string, err error) *reconcile.Hop {
	if refused(err) {
		h := left(hopRights, fmt.Sprintf("%s is not decided: %v", strings.TrimSuffix(on, ","), err))
		return &h
	}
	h := failed(hopRights, reconcile.Hop{Text: on + " got no answer", Expected: "an answer", Came: err.Error(), Likely: []string{"the server or the way to it broke down a moment ago: try again"}})
	return &h
}

// wrongRight explains a probe that ended otherwise than the spec means.
func (p *proof) wrongRight(pr probe, on string, err error) *reconcile.Hop {
	db, what, meant, why := pr.db, pr.what, pr.meant, pr.why
	h := reconcile.Hop{Text: on + " is not as the spec means it"}
	switch {
	case meant == allowed:
		h.Expected = what + " allowed"
		if len(why) > 0 {
			h.Expected += ", by " + why[0].String()
		}
		h.Came = err.Error()
	default:
		h.Expected, h.Came = what+" refused", what+" allowed"
		if len(why) > 0 {
			h.Expected += ", by " + why[0].String()
		}
	}
	if codeOf(err) == codeNoDatabase {
		h.Likely = []string{"there is no database " + db + ": it was not created yet, or was dropped"}
	}
	h.See = "keymaker plan"
	var place *hcl.Range
	for _, role := range p.rows[0].texts("roles") {
		likely, at, planned := p.roleDrift(role)
		if len(likely) > 0 && !planned {
			h.See = cypherShell(p.loginURI(p.seen.members[0]), "SHOW ROLE "+quoteName(role)+" PRIVILEGES AS COMMANDS")
		}
		h.Likely = append(h.Likely, likely...)
		if place == nil && len(likely) > 0 {
			place = &at
		}
	}
	if place == nil && len(why) > 0 {
		if o, ok := p.meant.roles[why[0].role]; ok {
			at := attrRange(o, "grant")
			place = &at
		}
	}
	if place != nil {
		h.Range = *place
	}
	if len(h.Likely) == 0 {
		h.Likely = []string{"privileges were changed a moment ago", "the database is an alias, or restricted in another way than by privileges"}
	}
	out := failed(hopRights, h)
	return &out
}

// roleDrift says in what a role is not as the spec has it, where the spec says so, and whether a plan shows some of it: not what the spec leaves out.
func (p *proof) roleDrift(name string) (likely []string, at hcl.Range, planned bool) {
	o, declared := p.meant.roles[name]
	if !declared {
		return nil, at, false
	}
	for _, side := range []struct {
		access Access
		attr   string
	}{{AccessGrant, "grant"}, {AccessDeny, "deny"}} {
		a, _ := o.Attr(side.attr)
		var meant []string
		if written(o, side.attr) {
			meant = reconcile.Texts(a.Value)
		} else if side.access == AccessGrant {
			continue
		}
		before := len(likely)
		live := p.seen.roles[name].rows(side.access).texts()
		for _, text := range meant {
			if !slices.Contains(live, text) {
				likely = append(likely, fmt.Sprintf("role %s lacks %s %s in Neo4j", name, side.access, text))
				at = placeOf(a, text)
			}
		}
		for _, text := range live {
			if !slices.Contains(meant, text) && !slices.Contains(reconcile.Texts(o.Facts["immutable_"+side.attr]), text) {
				likely = append(likely, fmt.Sprintf("role %s has %s %s in Neo4j, and not in the spec", name, side.access, text))
				if at.Empty() {
					at = attrRange(o, side.attr)
				}
			}
		}
		planned = planned || written(o, side.attr) && len(likely) > before
	}
	return likely, at, planned
}

// placeOf is where the spec says a member of a set.
func placeOf(a reconcile.Attr, text string) hcl.Range {
	for _, it := range a.Items {
		if it.Value == reconcile.Text(text) && !it.Range.Empty() {
			return it.Range
		}
	}
	return a.Range
}
