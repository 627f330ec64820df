package consumer_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/consumer"
)

// A member takes what is in a topic and settles each record once it is done with it. It leaves when its context ends,
// and has then committed what was settled.
func Example() {
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "battle-reports")) // instead of a real one
	if err != nil {
		fmt.Println(err)
		return
	}
	defer broker.Close()
	publish(ctx, broker.ListenAddrs(), "battle-reports", "first", "second", "third")

	c, err := consumer.New(consumer.Config{
		Connection: consumer.Connection{Brokers: broker.ListenAddrs()},
		Group:      "example",
		Topics:     []string{"battle-reports"},
		Start:      consumer.Earliest,
		Logger:     slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	err = c.Run(ctx, func(ctx context.Context, gen *consumer.Generation) {
		gen.Fetch(ctx, func(_ context.Context, records []consumer.Record) {
			for i := range records {
				r := &records[i]
				fmt.Printf("%s@%d %s\n", r.Partition, r.Offset, r.Value)
				r.Settle()
				if string(r.Value) == "third" {
					leave()
				}
			}
		}, nil)
	})
	if err != nil {
		fmt.Println(err)
	}

	// Output:
	// battle-reports/0@0 first
	// battle-reports/0@1 second
	// battle-reports/0@2 third
}

// publish writes values to a topic with another client, as a game server does.
func publish(ctx context.Context, brokers []string, topic string, values ...string) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	for _, value := range values {
		if err := client.ProduceSync(ctx, kgo.StringRecord(value)).FirstErr(); err != nil {
			fmt.Println(err)
		}
	}
}
