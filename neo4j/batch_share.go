package neo4j

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// What bounds a statement that speaks for several roles or users.
const (
	sharedNames = 100
	sharedBytes = 16 << 10
)

// sharedStatement is a statement as it is sent: one of a step, or one that says what several steps say, each of its own role or user.
type sharedStatement struct {
	text   string
	owners []int // the steps, in their order
	names  int
}

// share gives the statements of several steps in an order in which they may run in one transaction, with those made one that are equal but for the roles, or users, at
// their end: every statement saved is one that the server need not parse, plan and log, and a round trip saved where the driver sends them one by one.
//
// The order is by phase, which is the order within a step too. What is said of one role or user stays in its order, but for statements of one verb, which may go either
// way round. Where the order of the steps wants something of an earlier phase behind something of a later one, a copy behind the privileges of what it copies, a second
// round of all phases begins.
func share(parts []Transaction) []sharedStatement {
	var all []placedStatement
	slots := slotting{last: make(map[string]slot)}
	for i, t := range parts {
		for _, text := range t.Statements {
			p := placedStatement{text: text, owner: i}
			p.head, p.names, p.shares = cutNames(text)
			p.slot = slots.take(phaseOf(text), namesOf(text, p.names))
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b placedStatement) int { return a.slot.compare(b.slot) })
	var out []sharedStatement
	at := make(map[string]int)
	for i, p := range all {
		if i > 0 && p.slot != all[i-1].slot {
			clear(at)
		}
		if place, there := at[p.head]; there && p.shares && out[place].join(p) {
			continue
		}
		if p.shares {
			at[p.head] = len(out)
		}
		out = append(out, sharedStatement{text: p.text, owners: []int{p.owner}, names: len(p.names)})
	}
	return out
}

// join adds a statement's names, if there is room for them.
func (s *sharedStatement) join(p placedStatement) bool {
	names := strings.Join(p.names, ", ")
	if s.names+len(p.names) > sharedNames || len(s.text)+len(names)+2 > sharedBytes {
		return false
	}
	s.text += ", " + names
	s.owners = append(s.owners, p.owner)
	s.names += len(p.names)
	return true
}

// brief is the statement with the first of its names only.
func (s sharedStatement) brief() string {
	head, names, _ := cutNames(s.text)
	if len(names) <= 3 {
		return s.text
	}
	return fmt.Sprintf("%s%s and %d more", head, strings.Join(names[:2], ", "), len(names)-2)
}

type placedStatement struct {
	text   string
	owner  int
	head   string   // the text without the names at its end
	names  []string // in their backticks
	shares bool
	slot   slot
}

// slot is where a statement stands: rounds one after the other, in each the phases one after the other.
type slot struct {
	round int
	phase phase
}

func (s slot) compare(other slot) int {
	return cmp.Or(cmp.Compare(s.round, other.round), cmp.Compare(s.phase, other.phase))
}

// slotting finds slots that leave what is about one name in its order.
type slotting struct {
	last map[string]slot // of all about a name
	any  slot            // of all
	wall slot            // of those of which nobody knows what they are about
}

// take finds the first slot of a phase that is not before any statement about one of the names. Without names it is before none at all.
func (s *slotting) take(phase phase, names []string) slot {
	behind := s.wall
	if names == nil {
		behind = s.any
	}
	for _, name := range names {
		if last, said := s.last[name]; said && behind.compare(last) < 0 {
			behind = last
		}
	}
	found := slot{behind.round, phase}
	if behind.phase > phase {
		found.round++
	}
	for _, name := range names {
		s.last[name] = found
	}
	if s.any.compare(found) < 0 {
		s.any = found
	}
	if names == nil {
		s.wall = found
	}
	return found
}

// phase is what a statement does. Statements of one that gives or takes may go either way round, also when they are about the same role.
type phase int

const (
	phaseMake phase = iota // and rename, and alter
	phaseDeny
	phaseGrant
	phaseRevokeGrant
	phaseRevokeDeny
	phaseGrantRole
	phaseRevokeRole
	phaseDrop
)

func phaseOf(text string) phase {
	text = strings.TrimPrefix(text, "CYPHER 25 ")
	for _, begins := range []struct {
		with  string
		phase phase
	}{
		{"GRANT ROLE `", phaseGrantRole}, {"GRANT ROLE $", phaseGrantRole}, {"GRANT ", phaseGrant}, {"DENY ", phaseDeny}, {"REVOKE GRANT ", phaseRevokeGrant},
		{"REVOKE DENY ", phaseRevokeDeny}, {"REVOKE ", phaseRevokeRole}, {"DROP ", phaseDrop},
	} {
		if strings.HasPrefix(text, begins.with) {
			return begins.phase
		}
	}
	return phaseMake
}

// cutNames takes the quoted names off the end of a statement that gives or takes. ok says that several such statements can be one: it has names, and no parameters, whose
// values may differ from step to step.
func cutNames(text string) (head string, names []string, ok bool) {
	preposition := " TO "
	switch phaseOf(text) {
	case phaseMake, phaseDrop:
		return "", nil, false
	case phaseRevokeGrant, phaseRevokeDeny, phaseRevokeRole:
		preposition = " FROM "
	}
	i := strings.LastIndex(text, preposition+"`")
	if i < 0 || strings.Contains(text[:i], "$") {
		return "", nil, false
	}
	i += len(preposition)
	for _, name := range strings.Split(text[i:], ", ") {
		if len(name) < 3 || name[0] != '`' || name[len(name)-1] != '`' || strings.Contains(name[1:len(name)-1], "`") {
			return "", nil, false // a name with a backtick in it, whose end is not looked for here
		}
		names = append(names, name)
	}
	return text[:i], names, true
}

// namesOf are the quoted names of the roles and users that a statement is about, given those at its end. They are nil when they are not known: one is a parameter.
func namesOf(text string, names []string) []string {
	text = strings.TrimPrefix(text, "CYPHER 25 ")
	switch phaseOf(text) {
	case phaseDeny, phaseGrant, phaseRevokeGrant, phaseRevokeDeny:
		return names
	}
	for _, verb := range []string{"CREATE USER ", "ALTER USER "} { // what follows the name are clauses
		if rest, is := strings.CutPrefix(text, verb); is {
			return quotedNames(rest, 1)
		}
	}
	return quotedNames(text, -1)
}

// quotedNames reads up to n quoted names, all of them for -1, out of a text that has no other quotes before them. It is nil when a parameter is among them.
func quotedNames(text string, n int) []string {
	var names []string
	for at := 0; at < len(text) && len(names) != n; at++ {
		switch text[at] {
		case '$':
			return nil
		case '`':
			end := at + 1
			for end < len(text) && (text[end] != '`' || strings.HasPrefix(text[end:], "``")) {
				if text[end] == '`' {
					end++
				}
				end++
			}
			if end >= len(text) {
				return nil
			}
			names = append(names, text[at:end+1])
			at = end
		}
	}
	return names
}
