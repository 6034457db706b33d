package render

import (
	"strings"
	"time"

	"keymaker/reconcile"
)

// short is a duration without the parts that are zero at its end: 1h instead of 1h0m0s, 30m instead of 30m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// About is a duration as an estimate is said, rounded up to what can be meant: 1 s, 18 s, 1 min 40 s, 2 h 5 min.
func About(d time.Duration) string {
	switch {
	case d <= time.Second:
		return "1 s"
	case d <= time.Minute:
		return itoa(int(roundUp(d, time.Second).Seconds())) + " s"
	case d <= 10*time.Minute:
		d = roundUp(d, 10*time.Second)
		return joinUnits(int(d.Minutes()), "min", int(d.Seconds())%60, "s")
	}
	d = roundUp(d, time.Minute)
	return joinUnits(int(d.Hours()), "h", int(d.Minutes())%60, "min")
}

func roundUp(d, unit time.Duration) time.Duration { return (d + unit - 1) / unit * unit }

// joinUnits leaves out what is zero.
func joinUnits(a int, unitA string, b int, unitB string) string {
	switch {
	case a == 0:
		return itoa(b) + " " + unitB
	case b == 0:
		return itoa(a) + " " + unitA
	}
	return itoa(a) + " " + unitA + " " + itoa(b) + " " + unitB
}

// asShown is a value as people read it: durations of the type are shortened, everything else stays. JSON keeps the canonical spelling.
func asShown(v reconcile.Value, t reconcile.Type) reconcile.Value {
	switch v := v.(type) {
	case reconcile.Text:
		if t.Base != reconcile.TypeDuration {
			return v
		}
		if d, err := time.ParseDuration(string(v)); err == nil {
			return reconcile.Text(short(d))
		}
	case reconcile.List:
		return reconcile.List(allShown(v, t))
	case reconcile.Set:
		return reconcile.Set(allShown(v, t))
	case reconcile.Map:
		if t.Elem == nil {
			return v
		}
		m := make(reconcile.Map, len(v))
		for k, member := range v {
			m[k] = asShown(member, *t.Elem)
		}
		return m
	}
	return v
}

func allShown(vs []reconcile.Value, t reconcile.Type) []reconcile.Value {
	if t.Elem == nil || vs == nil {
		return vs
	}
	out := make([]reconcile.Value, len(vs))
	for i, v := range vs {
		out[i] = asShown(v, *t.Elem)
	}
	return out
}

// diffShown is a difference as people read it.
func diffShown(d reconcile.Diff) reconcile.Diff {
	t := d.Field.Type
	if d.Field.Compare == reconcile.OwnedKeys && t.Elem != nil {
		t = *t.Elem // the difference is that of one member
	}
	d.Live, d.Want = asShown(d.Live, t), asShown(d.Want, t)
	d.Added, d.Removed = allShown(d.Added, t), allShown(d.Removed, t)
	return d
}
