package render

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	rec "keymaker/reconcile"
)

func TestDriftHTMLIsAccessible(t *testing.T) {
	for name, f := range findings(t) {
		page, err := DriftHTML(f)
		if err != nil {
			t.Fatal(err)
		}
		accessible(t, name, page)
	}
}

// elements lists the start tags of a page, in order. The page is written so that it is XML too, which makes every tag that does not nest an error.
func elements(t *testing.T, page []byte) []xml.StartElement {
	t.Helper()
	_, rest, ok := strings.Cut(string(page), "<html")
	if !ok {
		t.Fatal("no html element")
	}
	for _, raw := range []string{"style", "script"} { // what they hold is no markup
		rest = regexp.MustCompile("(?s)<"+raw+">.*?</"+raw+">").ReplaceAllString(rest, "<"+raw+"></"+raw+">")
	}
	d := xml.NewDecoder(strings.NewReader("<html" + rest))
	var all []xml.StartElement
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, page)
		}
		if e, ok := tok.(xml.StartElement); ok {
			all = append(all, e.Copy())
		}
	}
}

func attrOf(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// accessible holds a page to what it owes: one id a thing, all that is referred to is there, headings in steps, captions, no address outside, no handler, no other script.
func accessible(t *testing.T, name string, page []byte) {
	t.Helper()
	ids, counts, depth := make(map[string]int), make(map[string]int), 0
	all := elements(t, page)
	for _, e := range all {
		counts[e.Name.Local]++
		if id := attrOf(e, "id"); id != "" {
			ids[id]++
		}
		if h := e.Name.Local; len(h) == 2 && h[0] == 'h' && h[1] >= '1' && h[1] <= '6' {
			level := int(h[1] - '0')
			if level > depth+1 {
				t.Errorf("%s: h%d follows h%d", name, level, depth)
			}
			depth = level
		}
		for _, a := range e.Attr {
			if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "src" || a.Name.Local == "style" || a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#") {
				t.Errorf("%s: %s has %s=%q", name, e.Name.Local, a.Name.Local, a.Value)
			}
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("%s: %d elements have id %s", name, n, id)
		}
	}
	for _, e := range all {
		for _, ref := range strings.Fields(attrOf(e, "aria-labelledby") + " " + attrOf(e, "aria-describedby") + " " + attrOf(e, "for") + " " + strings.TrimPrefix(attrOf(e, "href"), "#")) {
			if ids[ref] == 0 {
				t.Errorf("%s: %s refers to #%s, which is not there", name, e.Name.Local, ref)
			}
		}
	}
	if counts["h1"] != 1 || counts["main"] != 1 || counts["script"] != 1 || counts["style"] != 1 || counts["table"] != counts["caption"] || counts["link"]+counts["img"]+counts["iframe"] != 0 {
		t.Errorf("%s: elements %v", name, counts)
	}
	for _, s := range []string{driftStyle, driftScript} {
		if !strings.Contains(string(page), ">"+s+"</") || !strings.Contains(strings.ReplaceAll(string(page), "&#43;", "+"), digest(s)) {
			t.Errorf("%s: the policy does not allow what the page holds", name)
		}
	}
}

func TestPictureIsCut(t *testing.T) {
	var edges []rec.Edge
	for i := range 500 {
		a, g := rec.Node{Kind: rec.NodeAccount, Name: fmt.Sprintf("a%03d", i)}, rec.Node{Kind: rec.NodeGroup, Name: fmt.Sprintf("g%03d", i)}
		edges = append(edges, rec.Edge{From: a, To: g, Via: appAddr})
	}
	last := rec.AccessChange{Account: "a499", Gains: []rec.Node{{Kind: rec.NodeGroup, Name: "g499"}}}
	p := draw(graphOf(edges), []rec.AccessChange{last})
	want := "40 accounts of 500 with all that they reach. A thick frame marks what an account gained by the drift."
	if len(p.Boxes) != pictureLimit || len(p.Lines) != pictureLimit/2 || p.Text != want || p.Boxes[0].Text != "a499" {
		t.Errorf("%d boxes, %d lines, first %q, %q", len(p.Boxes), len(p.Lines), p.Boxes[0].Text, p.Text)
	}
	for i := range edges {
		edges[i].From = edges[0].From
	}
	if p = draw(graphOf(edges), nil); len(p.Boxes) != pictureLimit || p.Text != "One account of 1 with the first 80 of what it reaches." {
		t.Errorf("%d boxes, %q", len(p.Boxes), p.Text)
	}
}

// The picture says by which scopes and claims an account has its groups, once for all groups that it has the same way, and its lines begin behind that.
func TestPictureShowsScopesAndClaims(t *testing.T) {
	account := rec.Node{Kind: rec.NodeAccount, Name: "etl"}
	token := rec.Token{Account: account, Scopes: []rec.Scope{{Name: "s1"}}}
	var edges []rec.Edge
	for i, c := range []rec.Claim{{Name: "groups", Scopes: []string{"s1"}, Values: []string{"a", "b"}, Known: true}, {Name: "more", Values: []string{"c"}, Known: true}} {
		for _, v := range c.Values {
			c.At = append(c.At, rec.Source{Addr: appAddr})
			edges = append(edges, rec.Edge{From: account, To: rec.Node{Kind: rec.NodeGroup, Name: v}, Via: appAddr})
		}
		token.Claims = append(token.Claims, c)
		g := graphOf(edges).withTokens([]rec.Token{token})
		p := draw(g, nil)
		want := []string{"s1 → groups", "s1 → groups, more"}[i]
		box := p.Boxes[0]
		if box.Hop != want || box.HopX < box.X+box.W || box.From <= box.HopX || p.Lines[0].X1 != box.From || p.Boxes[1].X <= box.From || p.Boxes[1].Hop != "" {
			t.Errorf("account is %+v, its first line %+v, its group %+v, want the hop %q", box, p.Lines[0], p.Boxes[1], want)
		}
	}
}
