package oktatest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"strings"
)

const eventRateLimit = "system.org.rate_limit.violation"

// maxEvents bounds the log: Okta keeps ninety days, a sandbox its newest events, as they are in every write of the state file.
const maxEvents = 1_000

// event is an entry of the System Log, members in Okta's order.
type event struct {
	Actor       eventActor       `json:"actor"`
	Client      eventClient      `json:"client"`
	Auth        map[string]any   `json:"authenticationContext"`
	Message     string           `json:"displayMessage"`
	Type        string           `json:"eventType"`
	Outcome     eventOutcome     `json:"outcome"`
	Published   string           `json:"published"`
	Security    map[string]any   `json:"securityContext"`
	Severity    string           `json:"severity"`
	Debug       map[string]any   `json:"debugContext"`
	LegacyType  *string          `json:"legacyEventType"`
	Transaction eventTransaction `json:"transaction"`
	UUID        string           `json:"uuid"`
	Version     string           `json:"version"`
	Request     map[string]any   `json:"request"`
	Target      []target         `json:"target"`
}

type eventActor struct {
	ID          string         `json:"id"`
	Type        string         `json:"type"`
	AlternateID string         `json:"alternateId"`
	DisplayName string         `json:"displayName"`
	Detail      map[string]any `json:"detailEntry"`
}

type eventClient struct {
	UserAgent map[string]any `json:"userAgent"`
	Zone      string         `json:"zone"`
	Device    string         `json:"device"`
	ID        *string        `json:"id"`
	IPAddress string         `json:"ipAddress"`
	Geo       map[string]any `json:"geographicalContext"`
}

type eventOutcome struct {
	Result string  `json:"result"`
	Reason *string `json:"reason"`
}

type eventTransaction struct {
	Type   string         `json:"type"`
	ID     string         `json:"id"`
	Detail map[string]any `json:"detail"`
}

type target struct {
	ID          string         `json:"id"`
	Type        string         `json:"type"`
	AlternateID string         `json:"alternateId"`
	DisplayName string         `json:"displayName"`
	Detail      map[string]any `json:"detailEntry"`
	Change      *changeDetails `json:"changeDetails,omitempty"`
}

type changeDetails struct {
	From map[string]any `json:"from"`
	To   map[string]any `json:"to"`
}

func (a *app) target() target {
	return target{ID: a.ID, Type: "AppInstance", AlternateID: a.Label, DisplayName: "OpenID Connect Client"}
}

func (a *app) clientTarget() target {
	return target{ID: a.clientID(), Type: "PublicClientApp", AlternateID: a.Label, DisplayName: a.Label}
}

// tokenActor is the administrator whom the SSWS token belongs to.
func tokenActor() eventActor {
	return eventActor{ID: "00uSandboxAdmin00001", Type: "User", AlternateID: "admin@sandbox.example", DisplayName: "Sandbox Admin"}
}

// consoleActor is the administrator of the stories: a person at the console, not the client under test.
func consoleActor() eventActor {
	return eventActor{ID: "00uConsoleAdmin00002", Type: "User", AlternateID: "console@sandbox.example", DisplayName: "Console Admin"}
}

func (a *app) actor() eventActor {
	return eventActor{ID: a.clientID(), Type: "PublicClientApp", AlternateID: a.clientID(), DisplayName: a.Label}
}

// event appends an entry. It marks nothing to be saved: a read that leaves a line in the log is still a read, and the line is
// written with the next change.
func (s *Server) event(c *call, kind, result, reason string, targets ...target) {
	e := &event{
		Actor: c.actor, Type: kind, Message: strings.ReplaceAll(kind, ".", " "), Outcome: eventOutcome{Result: result},
		Published: c.now.UTC().Format("2006-01-02T15:04:05.000Z"), Severity: "INFO", Version: "0", UUID: randomUUID(),
		Auth: map[string]any{"authenticationStep": 0}, Security: map[string]any{}, Target: targets,
		Debug:       map[string]any{"debugData": map[string]any{"requestId": c.id}},
		Transaction: eventTransaction{Type: "WEB", ID: c.id, Detail: map[string]any{}},
		Request:     map[string]any{"ipChain": []any{}},
		Client:      eventClient{Zone: "null", Device: "Unknown", UserAgent: map[string]any{}},
	}
	if c.actor.ID == "" {
		e.Actor = eventActor{ID: "unknown", Type: "SystemPrincipal", AlternateID: "system@okta.com", DisplayName: "Okta System"}
	}
	if result != "SUCCESS" {
		e.Severity = "WARN"
	}
	if reason != "" {
		e.Outcome.Reason = &reason
	}
	if c.Request != nil {
		e.Client.UserAgent["rawUserAgent"] = c.UserAgent()
		e.Client.IPAddress, _, _ = net.SplitHostPort(c.RemoteAddr)
		e.Debug["debugData"].(map[string]any)["requestUri"] = c.URL.Path
	}
	if e.Actor.ID == tokenActor().ID {
		e.Transaction.Detail["requestApiTokenId"] = "00TSandboxToken00001"
	}
	if len(s.org.Events) >= maxEvents {
		s.org.Events = append([]*event(nil), s.org.Events[maxEvents/5:]...)
	}
	s.org.Events = append(s.org.Events, e)
}

func randomUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// changes tells which members differ between two answers. Links and times are no news, and answers hold no secrets here.
func changes(before, after any) *changeDetails {
	from, to := asMap(before), asMap(after)
	for k := range from {
		if equalJSON(from[k], to[k]) || k == "lastUpdated" || k == "_links" {
			delete(from, k)
			delete(to, k)
		}
	}
	delete(to, "_links")
	delete(to, "lastUpdated")
	for k := range to {
		if _, was := from[k]; !was && to[k] == nil {
			delete(to, k)
		}
	}
	return &changeDetails{From: from, To: to}
}

// asMap is a JSON object as a map.
func asMap(v any) map[string]any {
	out := map[string]any{}
	if text, err := json.Marshal(v); err == nil {
		_ = json.Unmarshal(text, &out)
	}
	return out
}

func equalJSON(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}
