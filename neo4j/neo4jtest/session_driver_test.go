package neo4jtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/neo4j/neo4j-go-driver/v5/neo4j"
	"github.com/neo4j/neo4j-go-driver/v5/neo4j/config"
)

// openDriver connects the unmodified driver.
func openDriver(t *testing.T, uri string, auth neo4j.AuthToken) neo4j.DriverWithContext {
	t.Helper()
	driver, err := neo4j.NewDriverWithContext(uri, auth, func(c *config.Config) { c.MaxTransactionRetryTime = 5 * time.Second })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { driver.Close(context.Background()) })
	return driver
}

func TestSessionDriver(t *testing.T) {
	versions := map[string][]version{"all": nil, "4.4": {v44}, "5.0": {{5, 0}}, "5.4": {v54}, "5.6": {v56}, "5.7": {v57}}
	for name, list := range versions {
		for _, scheme := range []string{"bolt", "neo4j"} {
			t.Run(scheme+" "+name, func(t *testing.T) {
				m, _, address := serveMemory(t, wireConfig{versions: list})
				driveAll(t, m, openDriver(t, scheme+"://"+address, neo4j.BasicAuth("neo4j", "secret", "")))
			})
		}
	}
}

// driveAll uses every way the driver has to run a statement.
func driveAll(t *testing.T, m *memory, driver neo4j.DriverWithContext) {
	ctx := context.Background()
	if err := driver.VerifyConnectivity(ctx); err != nil {
		t.Fatal(err)
	}
	result, err := neo4j.ExecuteQuery(ctx, driver, "ADD jane", nil, neo4j.EagerResultTransformer, neo4j.ExecuteQueryWithDatabase("system"))
	if err != nil {
		t.Fatal(err)
	}
	if !result.Summary.Counters().ContainsSystemUpdates() || result.Summary.Counters().SystemUpdates() != 1 || result.Summary.Database().Name() != "system" {
		t.Errorf("summary: got %+v", result.Summary)
	}
	session := driver.NewSession(ctx, neo4j.SessionConfig{FetchSize: 3})
	defer session.Close(ctx)
	rows, err := session.Run(ctx, "ROWS 10", nil)
	if err != nil {
		t.Fatal(err)
	}
	records, err := rows.Collect(ctx)
	if err != nil || len(records) != 10 || records[9].Values[0] != int64(9) {
		t.Errorf("rows: got %v, %v", records, err)
	}
	when := time.Date(2026, 7, 1, 12, 0, 0, 0, time.FixedZone("Offset", 7200))
	for _, v := range []any{"text", int64(1), []any{1.5, nil}, map[string]any{"a": []byte{1}}, neo4j.Point2D{X: 1, Y: 2, SpatialRefId: 7203},
		neo4j.Date(when.UTC().Truncate(24 * time.Hour)), neo4j.Duration{Months: 1, Days: 2, Seconds: 3, Nanos: 4}, when} {
		checkEcho(t, driver, v)
	}
	tx, err := session.BeginTransaction(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Run(ctx, "ADD joe", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Run(ctx, "LIST", nil); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err = neo4j.ExecuteQuery(ctx, driver, "FAIL", nil, neo4j.EagerResultTransformer); err == nil {
		t.Error("a statement that fails succeeded")
	}
	var f *neo4j.Neo4jError
	if !errors.As(err, &f) || f.Code != "Neo.ClientError.Statement.SyntaxError" || f.Msg != "Invalid input 'FAIL'" {
		t.Errorf("failure: got %v", err)
	}
	names, _ := m.list()
	same(t, "names", names, []string{"jane", "joe"})
}

func checkEcho(t *testing.T, driver neo4j.DriverWithContext, v any) {
	t.Helper()
	got, err := neo4j.ExecuteQuery(context.Background(), driver, "ECHO", map[string]any{"v": v}, neo4j.EagerResultTransformer)
	if err != nil {
		t.Errorf("echo %v: %v", v, err)
		return
	}
	back := got.Records[0].Values[0]
	if want, ok := v.(time.Time); ok {
		if at, ok := back.(time.Time); !ok || !at.Equal(want) {
			t.Errorf("echo: got %v, want %v", back, want)
		}
		return
	}
	if !reflect.DeepEqual(back, v) {
		t.Errorf("echo: got %#v, want %#v", back, v)
	}
}

func TestSessionDriverAuth(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	ctx := context.Background()
	if err := openDriver(t, "bolt://"+address, neo4j.BearerAuth("good.jwt")).VerifyConnectivity(ctx); err != nil {
		t.Errorf("bearer: %v", err)
	}
	for _, auth := range []neo4j.AuthToken{neo4j.BearerAuth("bad.jwt"), neo4j.BasicAuth("neo4j", "no", "")} {
		for _, scheme := range []string{"bolt://", "neo4j://"} {
			err := openDriver(t, scheme+address, auth).VerifyConnectivity(ctx)
			var f *neo4j.Neo4jError
			if !errors.As(err, &f) || f.Code != "Neo.ClientError.Security.Unauthorized" {
				t.Errorf("%s: got %v, want Unauthorized", scheme, err)
			}
		}
	}
	driver := openDriver(t, "neo4j://"+address, neo4j.BasicAuth("neo4j", "secret", ""))
	good, bad := neo4j.BearerAuth("good.jwt"), neo4j.BearerAuth("bad.jwt")
	if err := driver.VerifyAuthentication(ctx, &good); err != nil {
		t.Errorf("verify: %v", err)
	}
	var refused *neo4j.InvalidAuthenticationError
	if err := driver.VerifyAuthentication(ctx, &bad); !errors.As(err, &refused) {
		t.Errorf("verify: got %v, want %T", err, refused)
	}
}

func TestSessionDriverStatuses(t *testing.T) {
	_, _, address := serveMemory(t, wireConfig{})
	result, err := neo4j.ExecuteQuery(context.Background(), openDriver(t, "bolt://"+address, neo4j.BasicAuth("neo4j", "secret", "")), "NOTE", nil, neo4j.EagerResultTransformer)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range result.Summary.GqlStatusObjects() {
		got = append(got, s.GqlStatus())
	}
	same(t, "statuses", got, []string{"01N70", "00001", "00N70"})
}

// TestSessionDriverTLS serves TLS alone: plain bytes get nothing.
func TestSessionDriverTLS(t *testing.T) {
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS() // for its certificate
	defer web.Close()
	m, _, address := serveMemory(t, wireConfig{tls: &tls.Config{Certificates: web.TLS.Certificates}})
	driveAll(t, m, openDriver(t, "bolt+ssc://"+address, neo4j.BasicAuth("neo4j", "secret", "")))
	err := openDriver(t, "bolt+ssc://"+address, neo4j.BasicAuth("neo4j", "no", "")).VerifyConnectivity(context.Background())
	var f *neo4j.Neo4jError
	if !errors.As(err, &f) {
		t.Errorf("got %v, want the server's failure", err)
	}
	if err := openDriver(t, "bolt://"+address, neo4j.NoAuth()).VerifyConnectivity(context.Background()); err == nil {
		t.Error("plain bytes were answered")
	}
}

func TestSessionDriverParallel(t *testing.T) {
	m, _, address := serveMemory(t, wireConfig{})
	driver := openDriver(t, "neo4j://"+address, neo4j.BasicAuth("neo4j", "secret", ""))
	if err := driver.VerifyConnectivity(context.Background()); err != nil { // the driver's very first connection is not safe to make twice at once
		t.Fatal(err)
	}
	done := make(chan error)
	for i := range 20 {
		go func() {
			_, err := neo4j.ExecuteQuery(context.Background(), driver, fmt.Sprintf("ADD u%d", i), nil, neo4j.EagerResultTransformer)
			done <- err
		}()
	}
	for range 20 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if names, _ := m.list(); len(names) != 20 {
		t.Errorf("got %d names, want 20", len(names))
	}
}
