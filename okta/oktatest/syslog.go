package oktatest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	logDefault  = 7 * 24 * time.Hour   // how far back since is when it is left out
	logOldest   = 180 * 24 * time.Hour // an older since is refused
	logMaxLimit = 1000
)

// logQuery is what a request to the System Log asks for.
type logQuery struct {
	since, until time.Time // until is zero when left out
	after        string
	keywords     []string
	filter       filter
	limit        int
	descending   bool
}

// polling: no until and ascending, so a next link is always there as the cursor for the next poll.
func (q *logQuery) polling() bool { return q.until.IsZero() && !q.descending }

// logError is one of the log's own: the documented ones come without errorLink and errorCauses, which clients must bear; here they
// come with the usual envelope, a superset.
func logError(code, summary string) *apiError {
	return &apiError{status: 400, code: code, summary: summary}
}

func readLogQuery(c *call) (*logQuery, error) {
	v := c.URL.Query()
	q := &logQuery{since: c.now.Add(-logDefault), limit: 100, after: v.Get("after")}
	if v.Get("since") != "" && q.after != "" {
		return nil, invalid("RequestParams", "since and after are mutually exclusive.")
	}
	var err error
	if text := v.Get("since"); text != "" {
		if q.since, err = time.Parse(time.RFC3339, text); err != nil || q.since.Before(c.now.Add(-logOldest)) {
			return nil, logError("E0000053", "Invalid filter: since is no time of the last 180 days.")
		}
	}
	if text := v.Get("until"); text != "" {
		if q.until, err = time.Parse(time.RFC3339, text); err != nil {
			return nil, logError("E0000053", "Invalid filter: until is not a time.")
		}
	}
	switch v.Get("sortOrder") {
	case "", "ASCENDING":
	case "DESCENDING":
		q.descending = true
	default:
		return nil, invalid("RequestParams", "sortOrder: The field has an invalid value")
	}
	if text := v.Get("limit"); text != "" {
		if q.limit, err = strconv.Atoi(text); err != nil || q.limit < 0 || q.limit > logMaxLimit {
			return nil, invalid("RequestParams", "limit: The field has an invalid value")
		}
	}
	q.keywords = strings.Fields(v.Get("q"))
	for _, k := range q.keywords {
		if len([]rune(k)) > 40 {
			return nil, invalid("RequestParams", "q: The field is too long")
		}
	}
	q.filter, err = logFilter(v.Get("filter"))
	return q, err
}

// logFields are the first parts of the paths that a filter may name. published is not among them: since and until are for that.
var logFields = []string{
	"actor", "client", "authenticationcontext", "displaymessage", "eventtype", "outcome", "securitycontext", "severity", "debugcontext",
	"legacyeventtype", "transaction", "uuid", "version", "request", "target",
}

func logFilter(text string) (filter, error) {
	if text == "" {
		return nil, nil
	}
	f, err := parseFilter(text)
	if err != nil {
		return nil, logError("E0000053", "Invalid filter: "+err.Error())
	}
	return f, walk(f, func(cmp comparison) error {
		head, _, _ := strings.Cut(strings.ToLower(cmp.path), ".")
		if !slices.Contains(logFields, head) {
			return logError("E0000053", "Invalid filter: unknown field "+cmp.path)
		}
		if slices.Contains([]string{"gt", "ge", "lt", "le"}, cmp.op) {
			return logError("E0000031", "Invalid search criteria.")
		}
		return nil
	})
}

func listEvents(s *Server, c *call) (reply, error) {
	q, err := readLogQuery(c)
	if err != nil {
		return reply{}, err
	}
	events := slices.Clone(s.org.Events)
	if q.descending {
		slices.Reverse(events)
	}
	start, err := q.start(events)
	if err != nil {
		return reply{}, err
	}
	page, more := []*event{}, false
	for _, e := range events[start:] {
		if !q.wants(e) {
			continue
		}
		if len(page) == q.limit {
			more = true
			break
		}
		page = append(page, e)
	}
	return reply{status: http.StatusOK, header: s.logLinks(c, q, page, more), body: page}, nil
}

// start is the index of the first event after the cursor, "MILLISECONDS_UUID": that of the uuid, or the first one later when it is
// gone from the log.
func (q *logQuery) start(events []*event) (int, error) {
	if q.after == "" {
		return 0, nil
	}
	ms, id, _ := strings.Cut(q.after, "_")
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return 0, invalidCursor()
	}
	at := time.UnixMilli(n)
	q.since = time.Time{}
	if q.descending {
		q.since = at.Add(-logDefault)
	}
	for i, e := range events {
		if e.UUID == id {
			return i + 1, nil
		}
	}
	for i, e := range events {
		if t := e.time(); !q.descending && !t.Before(at) || q.descending && t.Before(at) {
			return i, nil
		}
	}
	return len(events), nil
}

func (e *event) time() time.Time {
	t, err := time.Parse(time.RFC3339, e.Published)
	if err != nil {
		return time.Time{} // a seeded event with a broken time is older than all
	}
	return t
}

func (q *logQuery) wants(e *event) bool {
	t := e.time()
	if t.Before(q.since.Truncate(time.Millisecond)) || !q.until.IsZero() && !t.Before(q.until) {
		return false
	}
	if q.filter == nil && len(q.keywords) == 0 {
		return true
	}
	text, err := json.Marshal(e)
	if err != nil {
		return false
	}
	for _, k := range q.keywords {
		if !strings.Contains(strings.ToLower(string(text)), strings.ToLower(k)) {
			return false
		}
	}
	return q.filter == nil || holds(q.filter, asMap(e))
}

func (s *Server) logLinks(c *call, q *logQuery, page []*event, more bool) http.Header {
	self := s.base() + c.URL.Path
	if c.URL.RawQuery != "" {
		self += "?" + c.URL.RawQuery
	}
	h := http.Header{"Link": {"<" + self + `>; rel="self"`}}
	if !more && !q.polling() {
		return h
	}
	next := c.URL.Query()
	cursor := q.after
	switch {
	case len(page) > 0:
		last := page[len(page)-1]
		cursor = strconv.FormatInt(last.time().UnixMilli(), 10) + "_" + last.UUID
	case cursor == "":
		cursor = strconv.FormatInt(q.since.UnixMilli(), 10) + "_0"
	}
	next.Del("since")
	next.Set("after", cursor)
	h.Add("Link", "<"+s.base()+c.URL.Path+"?"+next.Encode()+`>; rel="next"`)
	return h
}
