package render

import (
	"errors"

	"keymaker/reconcile"
)

// ReportJSON is what applying a plan came to as a document.
func ReportJSON(r reconcile.Report, verb Verb) ([]byte, error) { return document(reportOf(r, verb)) }

type reportJSON struct {
	Type          string       `json:"type"`
	FormatVersion string       `json:"format_version"`
	Verb          string       `json:"verb"` // Apply, Destroy
	Complete      bool         `json:"complete"`
	Interrupted   bool         `json:"interrupted"`
	Created       int          `json:"created"`
	Updated       int          `json:"updated"`
	Deleted       int          `json:"deleted"`
	Failed        int          `json:"failed"`
	Unknown       int          `json:"unknown"`
	NotDone       int          `json:"not_done"`
	Pending       int          `json:"pending"`
	Results       []resultJSON `json:"results"`
	Costs         []costJSON   `json:"costs"`
}

type resultJSON struct {
	Address string     `json:"address"`
	Action  string     `json:"action"`
	Status  string     `json:"status"`
	Calls   int        `json:"calls"`
	TookMS  int64      `json:"took_ms"`
	Said    string     `json:"said,omitempty"`
	After   string     `json:"waits_for,omitempty"`
	Call    string     `json:"call,omitempty"`
	Error   *errorJSON `json:"error,omitempty"`
	Pending []string   `json:"pending,omitempty"`
}

type errorJSON struct {
	Text    string       `json:"text"`
	Refusal *refusalJSON `json:"refusal,omitempty"`
}

type refusalJSON struct {
	Call      string   `json:"call"`
	Answer    string   `json:"answer"`
	Causes    []string `json:"causes"`
	RequestID string   `json:"request_id,omitempty"`
	Remedy    string   `json:"remedy,omitempty"`
	Field     string   `json:"field,omitempty"`
}

// costJSON is what applying cost on a system, beside what the plan said.
type costJSON struct {
	System   string      `json:"system"`
	Forecast []tallyJSON `json:"forecast"`
	Made     []tallyJSON `json:"made"`
}

func costsOf(costs []reconcile.Cost) []costJSON {
	out := []costJSON{}
	for _, c := range costs {
		out = append(out, costJSON{c.System, talliesOf(c.Forecast), talliesOf(c.Made)})
	}
	return out
}

func reportOf(r reconcile.Report, verb Verb) reportJSON {
	done := func(a reconcile.Action) int { return r.Count(a, reconcile.StatusDone) }
	out := reportJSON{
		Costs: costsOf(r.Costs),
		Type:  "report", FormatVersion: formatVersion, Verb: string(verb), Complete: r.Complete(), Interrupted: r.Interrupted,
		Created: done(reconcile.ActionCreate), Updated: done(reconcile.ActionUpdate), Deleted: done(reconcile.ActionDelete),
		Failed: r.With(reconcile.StatusFailed), Unknown: r.With(reconcile.StatusUnknown), NotDone: r.With(reconcile.StatusNotDone),
		Pending: pendingSteps(r), Results: []resultJSON{},
	}
	for _, res := range r.Results {
		out.Results = append(out.Results, resultOf(res))
	}
	return out
}

func resultOf(r reconcile.Result) resultJSON {
	return resultJSON{
		Address: r.Addr.String(), Action: actionWord(r.Action), Status: string(r.Status), Calls: r.Calls, TookMS: r.Took.Milliseconds(),
		Said: r.Said, After: r.After, Call: r.Call, Error: errorOf(r.Err), Pending: r.Pending,
	}
}

func errorOf(err error) *errorJSON {
	if err == nil {
		return nil
	}
	out := &errorJSON{Text: err.Error()}
	var r *reconcile.Refusal
	if errors.As(err, &r) {
		out.Refusal = &refusalJSON{r.Call, r.Answer, orEmpty(r.Causes), r.ID, r.Remedy, r.Field}
	}
	return out
}
