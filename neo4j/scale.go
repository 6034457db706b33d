package neo4j

import (
	"slices"

	"keymaker/reconcile"
)

// defaultHome is the home database of whoever has no other: initial.dbms.default_database is neo4j unless a server says otherwise (Operations Manual, "Configuration
// settings").
const defaultHome = "neo4j"

// leafSet is leaves that are looked up by what contains them. The zero value is empty.
type leafSet struct {
	by       map[leaf]string // the privilege that a leaf comes from
	byAction map[string][]leaf
}

func (s *leafSet) add(l leaf, from string) {
	if s.by == nil {
		s.by, s.byAction = make(map[leaf]string), make(map[string][]leaf)
	}
	if _, has := s.by[l]; !has {
		s.by[l] = from
		key := l.scope.String() + l.action
		s.byAction[key] = append(s.byAction[key], l)
	}
}

// holding finds the privilege that contains a leaf whole.
func (s leafSet) holding(l leaf) (from string, ok bool) {
	for _, w := range l.wider() {
		if from, ok := s.by[w]; ok {
			return from, true
		}
	}
	if l.glob == "" {
		return "", false
	}
	for _, m := range s.byAction[l.scope.String()+l.action] {
		if globHolds(m.glob, l.glob) {
			return s.by[m], true
		}
	}
	return "", false
}

// meeting lists the privileges that have something in common with a leaf, each once.
func (s leafSet) meeting(l leaf) []string {
	var from []string
	for _, m := range s.byAction[l.scope.String()+l.action] {
		if m.meets(l) && !slices.Contains(from, s.by[m]) {
			from = append(from, s.by[m])
		}
	}
	return from
}

// judge weighs privileges; it remembers those that it read.
type judge struct {
	read map[string][]leaf // by access and text
	home string            // the home database; "" keeps it apart from every other
}

// Judge gives a [reconcile.Judge] of Neo4j's privileges. It is not for concurrent use.
func (s *System) Judge() reconcile.Judge {
	return &judge{read: make(map[string][]leaf), home: defaultHome}
}

// Anywhere is a judge that does not take the home database for any other.
func (*judge) Anywhere() reconcile.Judge { return &judge{read: make(map[string][]leaf)} }

// Attribute is deny for denials, and grant for privileges.
func (*judge) Attribute(kind reconcile.NodeKind) string {
	if kind == reconcile.NodeDenial {
		return "deny"
	}
	return "grant"
}

// leaves reads a privilege as [System.Access] spells it. A text that does not parse has none: a row that a newer server made.
func (j *judge) leaves(access Access, text, home string) []leaf {
	key := string(access) + " " + home + " " + text
	if ls, known := j.read[key]; known {
		return ls
	}
	var ls []leaf
	p := &privilegeParser{access: access, lenient: true}
	tokens, err := lex(text)
	if err == nil {
		p.tokens = tokens
		var atoms []Atom
		if atoms, err = p.body(); err == nil {
			for _, a := range atoms {
				ls = append(ls, leavesOf(a, access, home)...)
			}
		}
	}
	j.read[key] = ls
	return ls
}

// Weigh makes a scale of what somebody is granted and denied.
func (j *judge) Weigh(grants, denials []string) reconcile.Scale {
	s := &scale{judge: j, home: j.home}
	for _, text := range grants {
		for _, l := range j.leaves(AccessGrant, text, s.home) {
			s.granted.add(l, text)
		}
	}
	for _, text := range denials {
		for _, l := range j.leaves(AccessDeny, text, s.home) {
			s.denied.add(l, text)
		}
	}
	return s
}

type scale struct {
	judge           *judge
	home            string
	granted, denied leafSet
}

// Ask weighs one question. What is asked is allowed when all of it is granted and nothing of it denied.
func (s *scale) Ask(question string) reconcile.Verdict {
	var v reconcile.Verdict
	add := func(list []string, texts ...string) []string {
		for _, t := range texts {
			if !slices.Contains(list, t) {
				list = append(list, t)
			}
		}
		return list
	}
	for _, l := range s.judge.leaves(AccessGrant, question, s.home) {
		if by, ok := s.granted.holding(l); ok {
			v.Granted = add(v.Granted, by)
		} else {
			v.Missing = add(v.Missing, l.String())
		}
		v.Denied = add(v.Denied, s.denied.meeting(l)...)
	}
	return v
}

// Useless says whether a granted privilege is denied whole.
func (s *scale) Useless(grant string) bool {
	ls := s.judge.leaves(AccessGrant, grant, s.home)
	return len(ls) > 0 && !slices.ContainsFunc(ls, func(l leaf) bool {
		_, denied := s.denied.holding(l)
		return !denied
	})
}

// Adds says whether a grant gives what s does not: a part of it is not granted, or denied whole. One that does not parse does.
func (s *scale) Adds(grant string) bool {
	ls := s.judge.leaves(AccessGrant, grant, s.home)
	return len(ls) == 0 || slices.ContainsFunc(ls, func(l leaf) bool {
		_, has := s.granted.holding(l)
		_, denied := s.denied.holding(l)
		return !has || denied
	})
}

// Takes says whether a denial takes something that s gives: it meets a grant that is not denied already.
func (s *scale) Takes(denial string) bool {
	return slices.ContainsFunc(s.judge.leaves(AccessDeny, denial, s.home), func(l leaf) bool {
		_, already := s.denied.holding(l)
		return !already && len(s.granted.meeting(l)) > 0
	})
}

// String writes a leaf as the privilege that gives just it.
func (l leaf) String() string {
	a := Atom{action: l.action, scope: l.scope, place: l.place, property: l.property, entity: l.entity, label: l.label, user: l.user, glob: l.glob, cidr: l.cidr, rule: l.rule}
	if l.user.IsAll() && l.action != "IMPERSONATE" && l.action != "SHOW TRANSACTION" && l.action != "TERMINATE TRANSACTION" {
		a.user = Pick{}
	}
	return a.String()
}
