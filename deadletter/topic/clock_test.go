package topic

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/consumer"
)

func throttled(c *Clock, d time.Duration) { c.OnBrokerThrottle(kgo.BrokerMetadata{}, d, true) }

func TestAClockStandsStillWhileAQuotaHasTheClientWait(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		waits []time.Duration // a second apart, from the first second on
		after time.Duration
		want  time.Duration
	}{
		"no quota":                            {nil, 20 * time.Second, 20 * time.Second},
		"in the middle of it":                 {[]time.Duration{10 * time.Second}, 5 * time.Second, time.Second},
		"once it is over":                     {[]time.Duration{10 * time.Second}, 20 * time.Second, 10 * time.Second},
		"two brokers at once":                 {[]time.Duration{10 * time.Second, 4 * time.Second}, 20 * time.Second, 10 * time.Second},
		"one for longer than the other":       {[]time.Duration{3 * time.Second, 10 * time.Second}, 20 * time.Second, 9 * time.Second},
		"one after the other, and a pause":    {[]time.Duration{500 * time.Millisecond, 500 * time.Millisecond}, 20 * time.Second, 19 * time.Second},
		"longer than anybody would otherwise": {[]time.Duration{time.Hour}, 20 * time.Second, time.Second},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var c Clock
				began, real := c.Now(), time.Now()
				for _, d := range test.waits {
					time.Sleep(time.Second)
					throttled(&c, d)
				}
				time.Sleep(test.after - time.Since(real))
				if got := c.Now().Sub(began); got != test.want {
					t.Errorf("it has gone on for %v, want %v", got, test.want)
				}
			})
		})
	}
}

func TestABrokerThatHasWaitedItselfStopsNoClock(t *testing.T) {
	t.Parallel()
	var c Clock
	c.OnBrokerThrottle(kgo.BrokerMetadata{}, time.Hour, false)
	if d := c.Standing(); d > 0 {
		t.Errorf("it stands for %v", d)
	}
}

func TestWhatAQuotaTakesIsNotTakenFromTheTimeToTry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Clock
		began := time.Now()
		err := c.Within(t.Context(), 10*time.Second, func(ctx context.Context) error {
			time.Sleep(9 * time.Second)
			throttled(&c, time.Minute)
			time.Sleep(time.Minute)
			throttled(&c, time.Hour)
			<-ctx.Done()
			return ctx.Err()
		})
		if took := time.Since(began); took != 10*time.Second+time.Minute+time.Hour {
			t.Errorf("it ends after %v", took)
		}
		if err == nil || errors.Is(err, context.Canceled) || err.Error() != "the brokers have not answered for 10s" {
			t.Errorf("error %v", err)
		}
	})
}

func TestWhoGivesUpTryingIsNotToldThatBrokersHaveNotAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Clock
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := c.Within(ctx, 10*time.Second, func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		mine := errors.New("mine")
		if err := c.Within(t.Context(), time.Second, func(context.Context) error { return mine }); !errors.Is(err, mine) {
			t.Errorf("error %v", err)
		}
	})
}

func TestAClientHasAClockOfItsOwn(t *testing.T) {
	t.Parallel()
	conn := consumer.Connection{Brokers: []string{"localhost:9092"}}
	var clocks []*Clock
	for range 2 {
		client, err := NewClient(conn)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if NewReader(client).Clock() != ClockOf(client) {
			t.Error("it has several")
		}
		clocks = append(clocks, ClockOf(client))
	}
	if clocks[0] == clocks[1] {
		t.Error("two clients have one")
	}
}
