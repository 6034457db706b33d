package neo4j

import (
	"context"
	"strings"
)

// seat is a member that has a database.
type seat struct {
	address string
	writer  bool // it takes the database's writes
}

// seatsQuery gives a row for each database on each member that has it (Operations Manual, "Listing databases").
const seatsQuery = "SHOW DATABASES YIELD name, address, writer"

// readSeats asks where the databases are; nil when Keymaker may not know.
func (s *System) readSeats(ctx context.Context) map[string][]seat {
	rows, err := s.client.query(ctx, s.uri.String(), seatsQuery, nil)
	if err != nil {
		return nil
	}
	seats := make(map[string][]seat)
	for _, r := range rows {
		seats[r.text("name")] = append(seats[r.text("name")], seat{withPort(r.text("address")), r.flag("writer")})
	}
	return seats
}

// where says at which addresses an account's privileges on a database are tried: reads on every member that has it, the write at its writer, since other members refuse it
// whoever asks. What is not known, the address that a member advertises being another than the one by which it is reached, or the name an alias, is left to the connection's URI.
func (p *proof) where(db string) (readers []string, writer string) {
	if len(p.seen.members) == 1 {
		uri := p.loginURI(p.seen.members[0])
		return []string{uri}, uri
	}
	for _, m := range p.seen.members {
		for _, at := range p.seen.seats[strings.ToLower(db)] {
			if at.address != m.address {
				continue
			}
			readers = append(readers, p.loginURI(m))
			if at.writer {
				writer = p.loginURI(m)
			}
		}
	}
	if len(readers) == 0 {
		readers = []string{p.system.uri.String()}
	}
	if writer == "" {
		writer = p.system.uri.String()
	}
	return readers, writer
}
