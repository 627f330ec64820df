package pipeline

import "github.com/battlereport/battlereport/cmd/internal/platform"

// room is what some events of one tenant take up.
type room struct {
	tenant
	records, bytes int
}

// tenant is whose events take up room: an app's, nil for records whose app is
// unknown, and its replayed letters apart.
type tenant struct {
	app      *platform.App
	replayed bool
}

func (ev *event) tenant() tenant { return tenant{ev.app, ev.replayed} }

// addRoom adds what some events of a tenant take up.
func addRoom(rooms []room, t tenant, records, bytes int) []room {
	i := 0
	for i < len(rooms) && rooms[i].tenant != t {
		i++
	}
	if i == len(rooms) {
		rooms = append(rooms, room{tenant: t})
	}
	rooms[i].records += records
	rooms[i].bytes += bytes
	return rooms
}

// within tells whether that much can be had of what is free by who holds something:
// he gets no more than what then is free still, or what is fair.
func (r room) within(free, held, fair room) bool {
	one := func(want, free, held, fair int) bool {
		return want <= free && (held+want <= free || held+want <= fair)
	}
	return one(r.records, free.records, held.records, fair.records) && one(r.bytes, free.bytes, held.bytes, fair.bytes)
}

// less is the room without another.
func (r room) less(other room) room {
	r.records -= other.records
	r.bytes -= other.bytes
	return r
}
