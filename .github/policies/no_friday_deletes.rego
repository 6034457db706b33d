# METADATA
# title: Nothing is deleted on a Friday
# description: >-
#   Denies a plan that deletes or replaces an object when the day is a Friday. The day is that of the evaluation, in the time zone that data.time_zone names ("UTC" when it
#   does not); for tests data.now, in nanoseconds since 1970, takes the place of the clock.
package keymaker.no_friday_deletes

import rego.v1

default time_zone := "UTC"

time_zone := data.time_zone

default now := 0

now := data.now

now := time.now_ns() if not data.now

deny contains message if {
	time.weekday([now, time_zone]) == "Friday"
	some change in input.resource_changes
	"delete" in change.change.actions
	message := sprintf("%s would be deleted on a Friday", [change.address])
}
