package topic

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
)

func right(operation, topic string) consumer.Right {
	return consumer.Right{Operation: operation, Resource: consumer.Topic, Name: topic}
}

// Allowed asks whether this client has rights on a topic, by which operations such as
// Read. The error is a [consumer.DeniedError] for the first that it lacks. Where there
// is no such topic, nothing is lacking; brokers older than Kafka 2.3 do not tell.
func Allowed(ctx context.Context, client *kgo.Client, topic string, operations ...string) error {
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req := kmsg.NewPtrMetadataRequest()
	req.Topics, req.IncludeTopicAuthorizedOperations = append(req.Topics, t), true
	res, err := req.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("ask for the rights on topic %s: %w", topic, err)
	}
	for _, t := range res.Topics {
		for _, operation := range operations {
			needed := right(operation, topic)
			if err := kerr.ErrorForCode(t.ErrorCode); consumer.IsDenied(err) {
				return needed.Needed(err)
			}
			op, err := kmsg.ParseACLOperation(operation)
			if err != nil {
				return err
			}
			const unknown = -1 << 31 // as good as 0: who is told of a topic has a right on it
			if t.ErrorCode == 0 && t.AuthorizedOperations != unknown && t.AuthorizedOperations != 0 && t.AuthorizedOperations>>op&1 == 0 {
				return needed.Needed(kerr.TopicAuthorizationFailed)
			}
		}
	}
	return nil
}
