package triage

import "github.com/battlereport/battlereport/deadletter"

// An Obstacle is why a letter is not replayed or discarded. It stays as it is.
type Obstacle struct {
	Kind   string // one of the constants, or the reason for which the pipeline would refuse the value again
	Detail string // for a person
}

// The kinds of obstacles, besides those reasons.
const (
	ObstacleForeign   = "foreign"       // it is no letter
	ObstacleOmitted   = "omitted"       // it goes without a part of its record
	ObstacleReplays   = "max_replays"   // it has come back too often
	ObstacleTopic     = "unknown_topic" // its source topic is not configured any more
	ObstacleApp       = "unknown_app"   // nor its app, or it has none
	ObstacleRepair    = "repair_failed" // the repair does not work on it
	ObstacleMissing   = "not_found"     // there is no letter of that name
	ObstacleExpired   = "gone"          // the topic no longer keeps it
	ObstacleReplayed  = "replayed"      // before
	ObstacleDiscarded = "discarded"     // before
	ObstacleKafka     = "kafka_refused" // Kafka does not take it, or the library
	ObstacleEdited    = "edited"        // something else than the value was edited
)

// Resolved reports whether the obstacle is that there is nothing left to do.
func (o *Obstacle) Resolved() bool { return o.Kind == ObstacleReplayed || o.Kind == ObstacleDiscarded }

// Before returns the obstacle that a letter has been resolved before, if it has.
func Before(e *deadletter.Entry) *Obstacle {
	switch e.State {
	case deadletter.Replayed:
		return &Obstacle{ObstacleReplayed, "it is replayed already"}
	case deadletter.Discarded:
		return &Obstacle{ObstacleDiscarded, "it is discarded already"}
	}
	return nil
}
