package render

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"keymaker/reconcile"
)

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// The rules of a drift's SARIF log, in their order. A gain of access is an error whatever brought it; the other levels say how sure it is that somebody must act.
var driftRules = []sarifRule{
	rule("drifted", "ObjectDrifted", "warning", "A live object differs from the spec", "Run keymaker apply to bring it back, or change the spec to what is live."),
	rule("missing", "ObjectMissing", "warning", "An object that the spec declares is not there", "Run keymaker apply to create it, or take its block out of the spec."),
	rule("extra", "ObjectExtra", "warning", "A live object that the spec claims is not declared", "Declare it, or let keymaker apply --prune delete it."),
	rule("watched", "DifferenceThatNoPlanUndoes", "warning", "Something that no spec can set bears on a declared object", "keymaker apply does not undo it. Take it away in its system, declare it, or accept it with ignore_changes in the object's lifecycle block."),
	rule("unreadable", "ObjectUnreadable", "error", "An object could not be read, so nobody knows whether it drifted", "See the message for the reason; a missing permission is the most frequent one."),
	rule("access", "AccessWidened", "error", "An account may do more than the spec says", "Find the drifted object that brings it and undo the change, or write it into the spec."),
	rule("access-narrowed", "AccessNarrowed", "note", "An account may do less than the spec says", "Run keymaker apply to give it back."),
}

// sarifRules are those of a drift and those of the checks.
func sarifRules() []sarifRule { return append(slices.Clone(driftRules), checkRules()...) }

func rule(id, name, level, what, help string) sarifRule {
	return sarifRule{id, name, sarifText{what}, sarifText{what + "."}, sarifText{help}, sarifConfig{level}}
}

// DriftSARIF is a comparison as a SARIF 2.1.0 log, for code scanning: a result for each difference, each object in another state than in sync, each account whose access the
// drift changed, and each check that found something. Results point at the lines of the spec that are meant; those of accounts do when Edges tell which block the account is. Lines are given without columns,
// since HCL counts columns in grapheme clusters, for which SARIF has no word. File names are relative to the root of the repository when they are relative.
func DriftSARIF(f Findings) ([]byte, error) {
	run := sarifRun{Tool: sarifTool{sarifDriver{"Keymaker", f.Version, sarifRules()}}, Results: []sarifResult{}}
	inv := sarifInvocation{Successful: f.Drift.Count(reconcile.Unreadable) == 0}
	if !f.At.IsZero() {
		inv.End = f.At.UTC().Format(time.RFC3339)
	}
	run.Invocations = []sarifInvocation{inv}
	for _, it := range f.Drift.Items {
		if belongs(it) && it.State != reconcile.InSync && it.State != reconcile.Foreign {
			run.Results = append(run.Results, f.itemResults(it)...)
		}
	}
	signs := f.signpost()
	for _, c := range f.drifted() {
		run.Results = append(run.Results, accessResult(c, f, signs))
	}
	for _, c := range f.Checks {
		run.Results = append(run.Results, f.checkResult(c))
	}
	return document(sarifLog{sarifSchema, "2.1.0", []sarifRun{run}})
}

// levels are how loud a result is, by gravity. What could not be weighed keeps its rule's.
var levels = map[reconcile.Gravity]string{reconcile.Widens: "error", reconcile.Changes: "error", reconcile.Unknown: "error", reconcile.Narrows: "warning", reconcile.Neutral: "note"}

func (f Findings) itemResults(it reconcile.DriftItem) []sarifResult {
	addr := Escape(it.Addr.String())
	one := func(id string, of reconcile.DriftItem, text, key string, r hcl.Range, g reconcile.Gravity) sarifResult {
		res := result(id, addr+" "+string(it.State)+text, location(addr, "resource", f.orHome(r, it.Addr.Instance())), addr, key)
		more := slices.Concat(meanings(of), byLines(of))
		for _, l := range remedies(of) {
			more = append(more, "To do: "+l+".")
		}
		if len(more) > 0 {
			res.Message.Text += "\n" + strings.Join(more, "\n")
		}
		if level, ok := levels[g]; ok {
			res.Level = level
			res.Properties = map[string]string{"gravity": string(g)}
		}
		return res
	}
	var all []sarifResult
	for _, diff := range it.Diffs {
		alone := it
		alone.Diffs = []reconcile.Diff{diff}
		id := string(it.State)
		if diff.Watched {
			id = "watched"
		}
		all = append(all, f.differenceResults(alone, id, one)...)
	}
	if len(all) > 0 {
		return all
	}
	text := ""
	if s := said(it); s != "" {
		text = ": " + s
	}
	return append(all, one(string(it.State), it, text, "", placeIn(it), it.Gravity))
}

// differenceResults are the results of an object with one difference, of which a set may have several members.
func (f Findings) differenceResults(it reconcile.DriftItem, id string, one func(id string, of reconcile.DriftItem, text, key string, r hcl.Range, g reconcile.Gravity) sarifResult) []sarifResult {
	var all []sarifResult
	for _, d := range differences(it) {
		text := ": " + d.name + " is " + d.live + ", the spec says " + d.spec
		switch {
		case d.spec == "":
			text = ": " + d.name + " has " + d.live + ", which the spec does not"
		case d.live == "":
			text = ": " + d.name + " lacks " + d.spec
		}
		all = append(all, one(id, it, text, d.name+"\x00"+d.spec+"\x00"+d.live, d.at, d.gravity))
	}
	return all
}

// orHome is where a result is shown that has no place of its own, since code scanning shows none without a file: the connection block of its system, else the first place that
// the spec has for anything.
func (f Findings) orHome(r hcl.Range, system string) hcl.Range {
	if r.Filename != "" {
		return r
	}
	if home, ok := f.Homes[system]; ok && home.Filename != "" {
		return home
	}
	for _, it := range f.Drift.Items {
		if at := placeIn(it); at.Filename != "" {
			return at
		}
	}
	return r
}

func accessResult(c reconcile.AccessChange, f Findings, signs signpost) sarifResult {
	id := "access"
	if !widening(c) {
		id = "access-narrowed"
	}
	r := signs.placeOf(c.Account)
	account := Escape(c.Account)
	text := "The drift " + c.Effect() + " the access of " + account + ": " + strings.Join(gainsAndLosses(c), "; ")
	return result(id, text, location(account, "member", f.orHome(r, "")), account, text)
}

// signpost finds where the spec declares accounts.
type signpost struct {
	accounts map[string]reconcile.Addr
	ways     map[string][]reconcile.Addr // the objects that give each account what it has
	places   map[reconcile.Addr]hcl.Range
}

func (f Findings) signpost() signpost {
	s := signpost{f.Accounts, make(map[string][]reconcile.Addr), make(map[reconcile.Addr]hcl.Range, len(f.Drift.Items))}
	for _, e := range f.Edges {
		if e.From.Kind == reconcile.NodeAccount && !e.Common { // what everybody has is made by no account
			s.ways[e.From.Label()] = append(s.ways[e.From.Label()], e.Via)
		}
	}
	for _, it := range f.Drift.Items {
		if at := placeIn(it); at.Filename != "" {
			s.places[it.Addr] = at
		}
	}
	return s
}

// placeOf is where the spec declares an account, or else the first of what gives it something; zero where it does neither.
func (s signpost) placeOf(account string) hcl.Range {
	for _, via := range append([]reconcile.Addr{s.accounts[account]}, s.ways[account]...) {
		if at, known := s.places[via]; known {
			return at
		}
	}
	return hcl.Range{}
}

// result makes a result with a fingerprint by which code scanning knows it again when lines move.
func result(id, text string, at sarifLocation, parts ...string) sarifResult {
	rules := sarifRules()
	index := max(0, slices.IndexFunc(rules, func(r sarifRule) bool { return r.ID == id }))
	sum := sha256.Sum256([]byte(id + "\x00" + strings.Join(parts, "\x00")))
	return sarifResult{
		Rule: id, Index: index, Level: rules[index].Default.Level, Message: sarifText{text + "."}, Locations: []sarifLocation{at},
		Fingerprints: map[string]string{"keymaker/v1": hex.EncodeToString(sum[:])},
	}
}

func location(name, kind string, r hcl.Range) sarifLocation {
	at := sarifLocation{Logical: []sarifLogical{{name, kind}}}
	if r.Filename == "" || r.Start.Line < 1 {
		return at
	}
	region := sarifRegion{Start: r.Start.Line}
	if r.End.Line > r.Start.Line {
		region.End = r.End.Line
	}
	at.Physical = &sarifPhysical{artifactOf(r.Filename), region}
	return at
}

// artifactOf is a file name as a URI: absolute ones with the scheme file, relative ones against the root of the checkout.
func artifactOf(file string) sarifArtifact {
	name := path.Clean(filepath.ToSlash(strings.ToValidUTF8(file, "\ufffd")))
	if path.IsAbs(name) {
		return sarifArtifact{URI: (&url.URL{Scheme: "file", Path: name}).String()}
	}
	return sarifArtifact{URI: (&url.URL{Path: name}).EscapedPath(), Base: "%SRCROOT%"}
}
