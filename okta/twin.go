package okta

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"keymaker/reconcile"
)

// twins keeps two runs from making one object twice. Okta takes a second app of one label (Okta's reference "Applications"); whether it takes a second policy or rule
// of one name is not documented. So a collection is read again before the first object is made in it, and once more when all is made.
type twins struct {
	mu    sync.Mutex
	looks map[string]*glance // by path of the collection
	made  []newborn
	ids   map[string]bool             // of made
	files map[reconcile.Addr][]string // what was written for an app that this run made, beside its private key
	begun map[reconcile.Addr]string   // pending secrets that this run began
}

// glance is a collection as it was before the first create in it.
type glance struct {
	turn chan struct{} // held by who reads it; a lock that can be given up, as reading may wait for a rate limit
	read bool
	all  catalog
}

// await waits for its turn, and gives the way to end it.
func (g *glance) await(ctx context.Context) (end func(), err error) {
	select {
	case g.turn <- struct{}{}:
		return func() { <-g.turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// newborn is an object that this run made.
type newborn struct {
	addr     reconcile.Addr
	path     string // of its collection
	key      key
	id       string
	clientID string
}

var _ reconcile.Settler = (*System)(nil)

// forget begins anew: what was looked at and made belongs to a plan.
func (t *twins) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.looks, t.made, t.ids, t.files, t.begun = map[string]*glance{}, nil, map[string]bool{}, map[reconcile.Addr][]string{}, map[reconcile.Addr]string{}
}

func (t *twins) glanceAt(path string) *glance {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.looks == nil {
		t.looks = map[string]*glance{}
	}
	if t.looks[path] == nil {
		t.looks[path] = &glance{turn: make(chan struct{}, 1)}
	}
	return t.looks[path]
}

// refusesTwins says whether Okta itself refuses a second object of a name in a collection: it documents so of scopes and claims. A rule's policy that this run made is
// known to nobody else.
func (s *System) refusesTwins(kind, path string) bool {
	if refusesNames(kind) {
		return true
	}
	s.twins.mu.Lock()
	defer s.twins.mu.Unlock()
	return slices.ContainsFunc(strings.Split(path, "/"), func(part string) bool {
		id, err := url.PathUnescape(part)
		return err == nil && s.twins.ids[id]
	})
}

// refusesNames says whether Okta documents that names of a kind are unique.
func refusesNames(kind string) bool { return kind == kindScope || kind == kindClaim }

// stillNew refuses to make what somebody else has made since the plan.
func (s *System) stillNew(ctx context.Context, r Request, path string, body reconcile.Map) error {
	if s.refusesTwins(r.Addr.Kind, path) {
		return nil
	}
	g := s.twins.glanceAt(path)
	end, err := g.await(ctx)
	if err != nil {
		return err
	}
	defer end()
	if !g.read {
		var all []raw
		_, err := s.client.each(ctx, path, listQuery(r.Addr.Kind), decoderOf(path), func(one raw) { all = append(all, one) })
		if err != nil {
			return err
		}
		g.all, g.read = newCatalog(r.Addr.Kind, all), true
	}
	found, err := keyOfBody(r.Addr.Kind, body).pick(g.all)
	if err != nil {
		return err
	}
	if found != nil {
		s.abandon(r.Addr)
		return &reconcile.Move{Addr: r.Addr, Why: "was not there when the plan was made, and is there now: " + found.text("id")}
	}
	return nil
}

// abandon removes a pending secret that this run began and that Okta never heard of: what is live by now was made by another, and has a secret of its own.
func (s *System) abandon(a reconcile.Addr) {
	s.twins.mu.Lock()
	file, ok := s.twins.begun[a]
	delete(s.twins.begun, a)
	s.twins.mu.Unlock()
	if ok {
		_ = os.Remove(pendingOf(file)) // one that stays is only a delivery to finish
	}
}

// born notes an object that this run made.
func (s *System) born(r Request, path string, body reconcile.Map, facts map[string]reconcile.Value) {
	s.twins.mu.Lock()
	defer s.twins.mu.Unlock()
	n := newborn{addr: r.Addr, path: path, key: keyOfBody(r.Addr.Kind, body), id: textOf(facts["id"]), clientID: textOf(facts[attrClientID])}
	s.twins.made = append(s.twins.made, n)
	if s.twins.ids == nil {
		s.twins.ids = map[string]bool{}
	}
	s.twins.ids[n.id] = true
}

// begins notes that a pending secret is new.
func (s *System) begins(a reconcile.Addr, file string) {
	s.twins.mu.Lock()
	defer s.twins.mu.Unlock()
	if s.twins.begun == nil {
		s.twins.begun = map[reconcile.Addr]string{}
	}
	s.twins.begun[a] = file
}

// delivers notes a file that says an app's client id.
func (s *System) delivers(a reconcile.Addr, files ...string) {
	s.twins.mu.Lock()
	defer s.twins.mu.Unlock()
	if s.twins.files == nil {
		s.twins.files = map[reconcile.Addr][]string{}
	}
	s.twins.files[a] = append(s.twins.files[a], files...)
}

// triesSettle is how often the elder of two twins looks whether the run that made the other has taken it back.
const triesSettle = 10

// Settle looks, once a plan is made, for second objects of the names that were new: another run may have made them at the same time. Of two the later one goes, by Okta's time of
// creation and then its id, and each run takes back its own only; what it took back is told as a move. Beside objects that somebody made by hand an own one that was
// made first stays. It reads each collection that something was made in once; an error says that one could not be read.
func (s *System) Settle(ctx context.Context) ([]*reconcile.Move, error) {
	s.twins.mu.Lock()
	groups := map[string][]newborn{}
	for _, n := range s.twins.made {
		groups[n.path] = append(groups[n.path], n)
	}
	s.twins.mu.Unlock()
	var moves []*reconcile.Move
	var errs []error
	for _, path := range slices.Sorted(maps.Keys(groups)) {
		if s.refusesTwins(groups[path][0].addr.Kind, path) {
			continue
		}
		found, err := s.settleIn(ctx, path, groups[path])
		moves, errs = append(moves, found...), append(errs, err)
	}
	s.twins.mu.Lock()
	s.twins.made = nil
	s.twins.mu.Unlock()
	return moves, errors.Join(errs...)
}

// settleIn is Settle in one collection.
func (s *System) settleIn(ctx context.Context, path string, made []newborn) (moves []*reconcile.Move, err error) {
	for try := 1; ; try++ {
		all, _, err := s.client.list(ctx, path, listQuery(made[0].addr.Kind))
		if err != nil {
			return moves, err
		}
		var elder []newborn
		known := newCatalog(made[0].addr.Kind, all)
		for _, n := range made {
			others, own := n.twinsIn(known)
			switch {
			case own == nil || len(others) == 0:
			case slices.ContainsFunc(others, func(o raw) bool { return bornBefore(o, own) }):
				if err := s.takeBack(ctx, n, own); err != nil {
					return moves, err
				}
				moves = append(moves, &reconcile.Move{Addr: n.addr, Why: "somebody else made one at the same time, before this one: " + others[0].text("id") + "; " + n.id + " was taken back"})
			default:
				elder = append(elder, n)
			}
		}
		if made = elder; len(made) == 0 || try == triesSettle {
			return moves, nil
		}
		if err := sleep(ctx, nil, s.client.pause); err != nil {
			return moves, nil // what is left is told by the next look at the org
		}
	}
}

// twinsIn finds an object, and the others of its name.
func (n newborn) twinsIn(all catalog) (others []raw, own raw) {
	if found := all.byID[n.id]; len(found) > 0 {
		own = found[0]
	}
	for _, r := range all.byName[n.key.name] {
		if r.text("id") != n.id && n.key.matches(r) {
			others = append(others, r)
		}
	}
	slices.SortFunc(others, func(a, b raw) int {
		if bornBefore(a, b) {
			return -1
		}
		return 1
	})
	return others, own
}

// bornBefore orders by creation. Okta's times are of one form, so their texts sort as they do.
func bornBefore(a, b raw) bool {
	return cmp.Or(cmp.Compare(bornAt(a), bornAt(b)), cmp.Compare(a.text("id"), b.text("id"))) < 0
}

func bornAt(r raw) int64 {
	t, err := time.Parse(time.RFC3339Nano, r.text("created"))
	if err != nil {
		return 0
	}
	return t.UnixMilli()
}

// takeBack deletes what this run made, and the files that speak of it.
func (s *System) takeBack(ctx context.Context, n newborn, own raw) error {
	object := n.path + "/" + url.PathEscape(n.id)
	if (n.addr.Kind == kindApp || n.addr.Kind == kindServer) && own.text("status") != inactive {
		if _, err := s.client.do(ctx, call{method: http.MethodPost, path: object + "/lifecycle/deactivate", repeat: true}); err != nil {
			return err
		}
	}
	if _, err := s.client.do(ctx, call{method: http.MethodDelete, path: object, repeat: true}); err != nil && !isGone(err) {
		return err
	}
	s.abandon(n.addr)
	s.twins.mu.Lock()
	files := s.twins.files[n.addr]
	s.twins.mu.Unlock()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil || n.clientID == "" || !strings.Contains(string(text), n.clientID) {
			continue // not there, or another's by now
		}
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// listPage is the largest page of apps that Okta gives.
const listPage = 200

// listQuery is how a collection is asked for.
func listQuery(kind string) string {
	if kind == kindApp || kind == kindServer {
		return fmt.Sprintf("limit=%d", listPage)
	}
	return ""
}

// keyOfBody is what an object is found by that a create makes.
func keyOfBody(kind string, body reconcile.Map) key {
	text := func(path ...string) string {
		t, _ := valueAt(body, path...).(reconcile.Text)
		return string(t)
	}
	if kind == kindApp {
		return key{kind: kind, name: text("label"), extra: text("credentials", "oauthClient", "client_id")}
	}
	return key{kind: kind, name: text("name"), extra: text("claimType")}
}
