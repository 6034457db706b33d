package okta

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"keymaker/reconcile"
)

var _ reconcile.Historian = (*System)(nil)

const (
	logPath   = "/api/v1/logs"
	rightLogs = "okta.logs.read"
	// logPage is the most that a page may have, and logPages how many are read for one question: the bucket of the log is small, and others read it too.
	logPage  = 1000
	logPages = 10
	// logBatch is how many objects one query asks about. A filter stands in the URL.
	logBatch = 20
	// logRetention is how long Okta keeps the log (Okta's reference "System Log").
	logRetention = 90 * 24 * time.Hour
)

// changeEvents are the events that tell of a changed object (Okta's catalogue "Event Types"). They stand in every query: tokens leave events with the same targets, and those are many.
var changeEvents = []string{
	"application.lifecycle.create", "application.lifecycle.update", "application.lifecycle.activate", "application.lifecycle.deactivate", "application.lifecycle.delete",
	"app.oauth2.client.lifecycle.create", "app.oauth2.client.lifecycle.update", "app.oauth2.client.lifecycle.activate", "app.oauth2.client.lifecycle.deactivate", "app.oauth2.client.lifecycle.delete",
	"oauth2.as.created", "oauth2.as.updated", "oauth2.as.activated", "oauth2.as.deactivated", "oauth2.as.deleted",
	"oauth2.scope.created", "oauth2.scope.updated", "oauth2.scope.deleted", "oauth2.claim.created", "oauth2.claim.updated", "oauth2.claim.deleted",
	"policy.lifecycle.create", "policy.lifecycle.update", "policy.lifecycle.activate", "policy.lifecycle.deactivate", "policy.lifecycle.delete",
	"policy.rule.add", "policy.rule.update", "policy.rule.activate", "policy.rule.deactivate", "policy.rule.delete",
}

// event is an entry of the System Log, as Okta wrote it: the SDK's type loses the details of a change.
type event struct{ raw }

// targets are what an event is about.
func (e event) targets() []raw {
	all, _ := e.plain("target").([]any)
	var targets []raw
	for _, t := range all {
		if m, ok := t.(map[string]any); ok {
			targets = append(targets, m)
		}
	}
	return targets
}

// attribution names who made an event.
func (e event) attribution(sure reconcile.Confidence) reconcile.Attribution {
	at, _ := time.Parse(time.RFC3339, e.text("published")) // a time that is none stays zero, which reports leave out
	actor := e.text("actor", "alternateId")
	if actor == "" || actor == "unknown" {
		actor = e.text("actor", "displayName")
	}
	if actor == "" {
		actor = e.text("actor", "id")
	}
	return reconcile.Attribution{Confidence: sure, System: systemName, Actor: actor, At: at.UTC(), Event: e.text("uuid"), What: e.text("eventType")}
}

// isOwn says whether keymaker itself made an event: its user agent, and the login of this session where that is an app. The owner of an API token is a person who works in the
// console too, and Okta tells nobody whose token it is but for a further call: there the user agent and that a token was used have to do. Who poses as keymaker is so not named,
// but what they did is still drift, and the reason says that only keymaker's user agent was seen.
func (s *System) isOwn(e event) bool {
	agent := e.text("client", "userAgent", "rawUserAgent")
	name, _, _ := strings.Cut(s.client.agent, "/")
	if name == "" || !strings.Contains(agent, name+"/") {
		return false
	}
	if s.client.settings.mode == modeKey {
		return e.text("actor", "id") == s.client.settings.clientID
	}
	return true
}

// events reads a part of the log, newest first. The request is bounded (since and until), so that it ends.
func (s *System) events(ctx context.Context, filter string, since time.Time) ([]event, error) {
	now := time.Now().UTC()
	if oldest := now.Add(-logRetention); since.Before(oldest) {
		since = oldest
	}
	const stamp = "2006-01-02T15:04:05.000Z"
	query := url.Values{"filter": {filter}, "since": {since.UTC().Format(stamp)}, "until": {now.Add(time.Minute).Format(stamp)}, "sortOrder": {"DESCENDING"}, "limit": {fmt.Sprint(logPage)}}
	k := call{method: http.MethodGet, path: logPath, query: query.Encode(), repeat: true}
	var all []event
	for range logPages {
		a, err := s.client.do(ctx, k)
		if err != nil {
			return nil, err
		}
		var page []raw
		if err := decodeJSON(a.body, &page); err != nil {
			return nil, fmt.Errorf("%s answered 200 with something else than a list", k)
		}
		for _, one := range page {
			if one.text("outcome", "result") == "SUCCESS" || one.text("outcome", "result") == "" {
				all = append(all, event{one})
			}
		}
		next, ok := nextPage(a.header)
		if !ok || len(page) == 0 {
			return all, nil
		}
		if next.Path != logPath || next.RawQuery == k.query {
			return nil, fmt.Errorf("%s: its next page is not one of the same list", k)
		}
		k.query = next.RawQuery
	}
	return all, nil // what is older is left out: the newest tell what is live
}

// anyOf is a filter for a path with one of some values. Only eq is used: it is the one operator that every path takes.
func anyOf(path string, values []string) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = path + ` eq "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
	}
	return "(" + strings.Join(parts, " or ") + ")"
}

// whyUnread says why the log told nothing.
func whyUnread(err error) string {
	switch {
	case isStatus(err, http.StatusForbidden), isCode(err, "invalid_scope", "insufficient_scope"):
		return "the login may not read the System Log (it takes " + rightLogs + ", or the role of an administrator who may view logs)"
	case isStatus(err, http.StatusUnauthorized):
		return "the System Log refused the login, which may read the rest (it takes " + rightLogs + ")"
	}
	return "the System Log could not be read: " + err.Error()
}

// Who looks the objects up in the System Log, by Okta's ids in batches of one query each. An object that is not there any more has no id to ask for: it is looked for by its name among what
// was deleted or renamed. Reading the log takes a right of its own, okta.logs.read.
func (s *System) Who(ctx context.Context, items []reconcile.DriftItem, since time.Time) map[reconcile.Addr]reconcile.Culprits {
	told := map[reconcile.Addr]reconcile.Culprits{}
	for batch := range slices.Chunk(items, logBatch) {
		ids, names := s.subjects(batch)
		var about []string
		if len(ids) > 0 {
			about = append(about, anyOf("target.id", ids))
		}
		if len(names) > 0 {
			about = append(about, anyOf("target.displayName", names), anyOf("target.alternateId", names))
		}
		events, err := s.events(ctx, anyOf("eventType", changeEvents)+" and ("+strings.Join(about, " or ")+")", since)
		for _, it := range batch {
			if err != nil {
				told[it.Addr] = reconcile.Culprits{Object: unattributed(whyUnread(err))}
				continue
			}
			told[it.Addr] = s.culprits(it, events, since)
		}
	}
	s.findRenamed(ctx, items, since, told)
	return told
}

// findRenamed looks once more for what is missing and was neither made nor deleted under its name: it may have got another one. The log knows an object by its name of today, so the
// updates of its kind are read, whatever they are about, for one that changed a name.
func (s *System) findRenamed(ctx context.Context, items []reconcile.DriftItem, since time.Time, told map[reconcile.Addr]reconcile.Culprits) {
	var lost []reconcile.DriftItem
	var types []string
	for _, it := range items {
		update, ok := renameEvents[it.Addr.Kind]
		if ok && it.State == reconcile.Missing && told[it.Addr].Object.Confidence == reconcile.ConfidenceNone {
			lost, types = append(lost, it), append(types, update)
		}
	}
	if len(lost) == 0 {
		return
	}
	events, err := s.events(ctx, anyOf("eventType", slices.Compact(slices.Sorted(slices.Values(types)))), since)
	if err != nil {
		return // the first query said why, or what it found stays
	}
	for _, it := range lost {
		for _, e := range events {
			renames := slices.ContainsFunc(e.targets(), func(t raw) bool { return isAbout(e, it.Addr.Kind) && was(t, it) == nameOf(it.Want) })
			if renames && !s.isOwn(e) {
				told[it.Addr] = reconcile.Culprits{Object: e.attribution(reconcile.ConfidenceExact)}
				break
			}
		}
	}
}

var renameEvents = map[string]string{kindApp: "application.lifecycle.update", kindServer: "oauth2.as.updated", kindScope: "oauth2.scope.updated", kindClaim: "oauth2.claim.updated",
	kindPolicy: "policy.lifecycle.update", kindRule: "policy.rule.update"}

func unattributed(why string) reconcile.Attribution {
	return reconcile.Attribution{Confidence: reconcile.ConfidenceNone, System: systemName, Why: why}
}

// subjects are the ids and the names by which the log knows objects.
func (s *System) subjects(items []reconcile.DriftItem) (ids, names []string) {
	for _, it := range items {
		if it.Live.Addr.IsZero() {
			names = append(names, nameOf(it.Want))
			if it.Addr.Kind == kindRule {
				names = append(names, s.policyName(it))
			}
			continue
		}
		ids = append(ids, logIDs(it)...)
		for _, d := range it.Diffs {
			ids = append(ids, d.Sources...)
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(ids))), slices.Compact(slices.Sorted(slices.Values(names)))
}

// logIDs are the ids that an object itself has in the log: an app is there as the app and as the client.
func logIDs(it reconcile.DriftItem) []string {
	ids := []string{textOf(it.Live.Facts["id"])}
	if client := textOf(it.Live.Facts[attrClientID]); client != "" && client != ids[0] {
		ids = append(ids, client)
	}
	return ids
}

// culprits explains one object by events, newest first.
func (s *System) culprits(it reconcile.DriftItem, events []event, since time.Time) reconcile.Culprits {
	c := reconcile.Culprits{Diffs: map[string]reconcile.Attribution{}}
	var about []event
	own := ""
	for _, e := range events {
		if !s.concerns(e, it) {
			continue
		}
		if s.isOwn(e) {
			own = e.attribution(reconcile.ConfidenceNone).Actor
			continue
		}
		about = append(about, e)
	}
	for _, d := range it.Diffs {
		if by, ok := explain(it, d, about); ok {
			c.Diffs[d.Name] = by
		}
	}
	switch {
	case len(about) > 0:
		c.Object = about[0].attribution(reconcile.ConfidenceObject)
		i := slices.IndexFunc(about, func(e event) bool {
			return it.State == reconcile.Missing && strings.HasSuffix(strings.TrimSuffix(e.text("eventType"), "d"), ".delete") || it.State == reconcile.Extra && isCreation(e)
		})
		if i >= 0 {
			c.Object = about[i].attribution(reconcile.ConfidenceExact)
		}
	case own != "":
		c.Object = unattributed("only keymaker itself changed it (its user agent, as " + own + ") since " + since.UTC().Format(time.DateOnly))
	default:
		c.Object = unattributed("no change to it is in the System Log since " + since.UTC().Format(time.DateOnly))
	}
	return c
}

func isCreation(e event) bool {
	kind := e.text("eventType")
	return strings.HasSuffix(kind, ".create") || strings.HasSuffix(kind, ".created") || strings.HasSuffix(kind, ".add")
}

// concerns says whether an event is about an object. What is gone is known by name, and an event of another kind of object may have that name too.
func (s *System) concerns(e event, it reconcile.DriftItem) bool {
	return slices.ContainsFunc(e.targets(), func(t raw) bool {
		if !it.Live.Addr.IsZero() {
			return slices.Contains(logIDs(it), t.text("id")) || slices.ContainsFunc(it.Diffs, func(d reconcile.Diff) bool { return slices.Contains(d.Sources, t.text("id")) })
		}
		if it.Addr.Kind == kindRule && e.text("eventType") == "policy.lifecycle.delete" {
			return t.text("displayName") == s.policyName(it) // a policy takes its rules along, and the log names the policy
		}
		name := nameOf(it.Want)
		return isAbout(e, it.Addr.Kind) && (t.text("displayName") == name || t.text("alternateId") == name || was(t, it) == name)
	})
}

// policyName is the name of the policy that a rule is declared in.
func (s *System) policyName(rule reconcile.DriftItem) string {
	return nameOf(s.recall().object(policyOf(rule.Want)))
}

// was is the name that an object had before the change that a target tells of, "" when its name did not change.
func was(t raw, it reconcile.DriftItem) string {
	if it.Addr.Kind == kindApp {
		return t.text("changeDetails", "from", "label")
	}
	return t.text("changeDetails", "from", "name")
}

// isAbout says whether an event's type belongs to a kind of object.
func isAbout(e event, kind string) bool {
	starts := map[string][]string{kindApp: {"application.", "app.oauth2.client."}, kindServer: {"oauth2.as."}, kindScope: {"oauth2.scope."}, kindClaim: {"oauth2.claim."},
		kindPolicy: {"policy.lifecycle."}, kindRule: {"policy.rule.", "policy.lifecycle.delete"}}[kind]
	return slices.ContainsFunc(starts, func(s string) bool { return strings.HasPrefix(e.text("eventType"), s) })
}

// explain finds the newest event that may have made one difference: exactly, when its details give the live value.
func explain(it reconcile.DriftItem, d reconcile.Diff, events []event) (reconcile.Attribution, bool) {
	name, _, _ := strings.Cut(d.Name, ".")
	for _, e := range events {
		for _, t := range e.targets() {
			switch {
			case d.Watched && slices.Contains(d.Sources, t.text("id")):
				sure := reconcile.ConfidenceObject
				if isCreation(e) {
					sure = reconcile.ConfidenceExact
				}
				return e.attribution(sure), true
			case !d.Watched && slices.Contains(logIDs(it), t.text("id")) && (gives(t, it, name) || name == attrStatus && switches(e, it)):
				return e.attribution(reconcile.ConfidenceExact), true
			}
		}
	}
	return reconcile.Attribution{}, false
}

// switches says whether an event is the lifecycle call that gave an object its status: such events have no details.
func switches(e event, it reconcile.DriftItem) bool {
	verb := strings.TrimSuffix(e.text("eventType")[strings.LastIndex(e.text("eventType"), ".")+1:], "d")
	return verb == "deactivate" && it.Live.TextAttr(attrStatus) == inactive || verb == "activate" && it.Live.TextAttr(attrStatus) == active
}

// gives says whether an event's details for a target set an attribute to its live value.
func gives(t raw, it reconcile.DriftItem, attr string) bool {
	to, _ := t.plain("changeDetails", "to").(map[string]any)
	live := it.Live.Get(attr)
	if attr == attrStatus {
		return to["status"] != nil && reconcile.Equal(raw(to).at("status"), live)
	}
	w, ok := wireOf(it.Addr.Kind, attr)
	if !ok || live == nil {
		return false
	}
	if _, told := to[w.path[0]]; !told {
		return false
	}
	if value := w.read(raw(to).at(w.path...)); value == nil || !reconcile.Equal(value, live) {
		return false
	}
	from, _ := t.plain("changeDetails", "from").(map[string]any)
	return from == nil || !reconcile.Equal(w.read(raw(from).at(w.path...)), live) // an event that leaves it as it was did not make it so
}
