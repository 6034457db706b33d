# METADATA
# title: Nothing is deleted on a Friday
# description: >-
#   Denies a plan that deletes an object when the day is a Friday, in the time zone that data.time_zone names ("UTC" when it does not). The day is that on which the plan
#   was saved (its timestamp); for one that is not saved it is the day of the evaluation, or that of data.now, in nanoseconds since 1970.
package keymaker.no_friday_deletes

import rego.v1

default time_zone := "UTC"

time_zone := data.time_zone

now := time.parse_rfc3339_ns(input.timestamp) if {
	input.timestamp
} else := data.now if {
	data.now
} else := time.now_ns()

deny contains message if {
	time.weekday([now, time_zone]) == "Friday"
	some change in input.resource_changes
	"delete" in change.change.actions
	message := sprintf("%s would be deleted on a Friday", [change.address])
}
