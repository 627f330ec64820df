package deadletter

import (
	"fmt"
	"strconv"
	"strings"
)

// Name is where a letter lies in its dead-letter topic, and what people call it
// by: TOPIC/PARTITION/OFFSET. The zero Name names nothing.
type Name struct {
	Topic     string
	Partition int
	Offset    int64
}

func (n Name) String() string {
	return n.Topic + "/" + strconv.Itoa(n.Partition) + "/" + strconv.FormatInt(n.Offset, 10)
}

// ParseName reads what [Name.String] writes.
func ParseName(s string) (Name, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 || parts[0] == "" {
		return Name{}, fmt.Errorf("%.300q is not the name of a letter: want TOPIC/PARTITION/OFFSET", s)
	}
	partition, err := strconv.ParseUint(parts[1], 10, 31)
	if err != nil {
		return Name{}, fmt.Errorf("%.300q is not the name of a letter: the partition %q is not a number from 0 on", s, parts[1])
	}
	offset, err := strconv.ParseUint(parts[2], 10, 63)
	if err != nil {
		return Name{}, fmt.Errorf("%.300q is not the name of a letter: the offset %q is not a number from 0 on", s, parts[2])
	}
	return Name{Topic: parts[0], Partition: int(partition), Offset: int64(offset)}, nil
}
