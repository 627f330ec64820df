package preflight

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/kafkafault"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// kafka is the cluster, as the configuration reaches it.
type kafka struct {
	cfg    *config.Config
	conn   consumer.Connection
	client *kgo.Client
	tell   func(Finding)

	answering []string // of the addresses that are configured
}

// checkKafka returns whether there was a broker to ask.
func checkKafka(ctx context.Context, cfg *config.Config, opts Options, tell func(Finding)) bool {
	conn, err := cfg.Kafka.Connection(opts.DialKafka)
	if err != nil {
		tell(Finding{"broker", fmt.Sprint(cfg.Kafka.Brokers), Failed, err.Error(), ""})
		return false
	}
	k := &kafka{cfg: cfg, conn: conn, tell: tell}
	if !k.checkBrokers(ctx) {
		return false
	}
	if k.client, err = topic.NewClient(conn, kgo.RetryTimeout(perQuestion)); err != nil {
		tell(Finding{"cluster", conn.ClientID, Failed, err.Error(), ""})
		return false
	}
	defer k.client.Close()
	if !k.checkCluster(ctx) {
		return false
	}
	k.checkTopics(ctx)
	k.checkGroup(ctx)
	return true
}

// checkBrokers connects to each address that is configured, and returns whether one of them lets us in.
func (k *kafka) checkBrokers(ctx context.Context) bool {
	addresses := k.cfg.Kafka.Brokers
	errs := k.open(ctx, addresses)
	enough := slices.Contains(errs, nil)
	for i, address := range addresses {
		f := Finding{Check: "broker", Subject: address, State: OK, Found: "answers" + k.how()}
		if errs[i] == nil {
			k.answering = append(k.answering, address)
		} else {
			f.State, f.Found = Failed, k.why(errs[i])
			if enough && !kafkafault.Stays(kafkafault.Explain(&k.cfg.Kafka, errs[i])) {
				f.State, f.Do = Warning, "one that answers is enough; take this one out of kafka.brokers if it is gone for good"
			}
		}
		k.tell(f)
	}
	return enough
}

// open connects to each address, to all at once, and returns what was in the way.
func (k *kafka) open(ctx context.Context, addresses []string) []error {
	errs := make([]error, len(addresses))
	var wg sync.WaitGroup
	for i, address := range addresses {
		wg.Go(func() {
			conn, err := k.conn.Opener()(ctx, "tcp", address) // one of its own, that speaks of no other
			if err == nil {
				_ = conn.Close()
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return errs
}

// how says by what a broker lets us in.
func (k *kafka) how() (text string) {
	if k.cfg.Kafka.TLS.Enabled {
		text += " over TLS"
	}
	if sasl := k.cfg.Kafka.SASL; sasl.Mechanism != "none" {
		text += ", and takes the "
		if sasl.Username != "" {
			text += "password of " + sasl.Username
		} else {
			text += "token"
		}
		text += " (" + sasl.Mechanism + ")"
	}
	return text
}

// why explains an error in one line.
func (k *kafka) why(err error) string { return kafkafault.Explain(&k.cfg.Kafka, err).Error() }

// checkCluster asks who the brokers are, and connects to those that are not configured: partitions are there.
func (k *kafka) checkCluster(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*perQuestion)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none
	res, err := req.RequestWith(ctx, k.client)
	f := Finding{Check: "cluster", State: OK}
	if err != nil {
		f.State, f.Found = Failed, k.why(err)
		k.tell(f)
		return false
	}
	if res.ClusterID != nil {
		f.Subject = *res.ClusterID
	}
	f.Found = words.Count(len(res.Brokers), "broker")
	k.tell(f)
	var (
		others  []string
		numbers []int32
	)
	for _, b := range res.Brokers {
		if address := net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))); !slices.Contains(k.cfg.Kafka.Brokers, address) {
			others, numbers = append(others, address), append(numbers, b.NodeID)
		}
	}
	for i, err := range k.open(ctx, others) {
		if open := new(consumer.OpenError); errors.As(err, &open) {
			open.Broker, open.Answered = numbers[i], k.answering
		}
		f := Finding{Check: "broker", Subject: others[i], State: OK, Found: "answers" + k.how() + ", at the address that the cluster gives"}
		if err != nil {
			f.State, f.Found = Failed, k.why(err)
		}
		k.tell(f)
	}
	return true
}
