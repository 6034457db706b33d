package render

import (
	"io"

	"keymaker/reconcile"
)

// Output is a value that a spec gives to whoever applied it.
type Output struct {
	Name      string
	Sensitive bool // shown as (sensitive), in every form
	Value     reconcile.Value
}

// Outputs writes the outputs, one a line, under a headline.
func Outputs(w io.Writer, outs []Output, s Style) error {
	pg := newPage(w, s)
	pg.text.WriteByte('\n')
	pg.line(pg.loud.Render("Outputs"))
	var rows [][]string
	for _, o := range outs {
		text := "(sensitive)"
		if !o.Sensitive {
			text = alone(o.Value)
		}
		rows = append(rows, []string{Escape(o.Name), text})
	}
	pg.rows("  ", 3, rows)
	return pg.flush()
}

// Outputs writes one line with all outputs. A sensitive one is null and marked; one that is not known yet is null and marked too.
func (e *Events) Outputs(outs []Output) {
	doc := outputsJSON{Type: "outputs", Outputs: make(map[string]outputJSON, len(outs))}
	for _, o := range outs {
		f := facetsOf(o.Value, o.Sensitive)
		doc.Outputs[o.Name] = outputJSON{Value: f.known, Sensitive: f.secret != nil, Unknown: f.unknown != nil}
	}
	e.write(doc)
}

type outputsJSON struct {
	Type    string                `json:"type"`
	Outputs map[string]outputJSON `json:"outputs"`
}

type outputJSON struct {
	Value     any  `json:"value"`
	Sensitive bool `json:"sensitive"`
	Unknown   bool `json:"unknown,omitempty"`
}
