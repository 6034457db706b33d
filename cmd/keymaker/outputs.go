package main

import (
	"keymaker/reconcile"
	"keymaker/reconcile/render"
)

// outputs are the spec's outputs with what is live put into them. What is not known even now stays unknown, and is shown so.
func (s *session) outputs(lives []reconcile.Live) []render.Output {
	index := reconcile.NewIndex(merge(lives).Objects)
	var outs []render.Output
	for _, o := range s.spec.Outputs {
		outs = append(outs, render.Output{Name: o.Name, Sensitive: o.Sensitive, Value: reconcile.Resolve(o.Value, index.Lookup)})
	}
	return outs
}

// tellOutputs shows the outputs after an apply, as text or as one more JSON event.
func (p *program) tellOutputs(s *session, lives []reconcile.Live, asJSON bool) error {
	outs := s.outputs(lives)
	if len(outs) == 0 {
		return nil
	}
	if asJSON {
		events := render.NewEvents(p.out.out)
		events.Outputs(outs)
		return events.Close()
	}
	return render.Outputs(p.out.out, outs, p.out.style(p.out.out))
}
