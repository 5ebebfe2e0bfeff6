#!/usr/bin/env bash
# One Apache Kafka broker (KRaft) without Docker. Needs Java 17 or newer and Maven; the jars are fetched once and cached.
#
#   kafka.sh start    fetch what is missing, format the storage, start, wait until the broker answers; nothing to do when it runs
#   kafka.sh stop     stop it (SIGTERM, then SIGKILL after 20 s)
#   kafka.sh kill     stop it the hard way
#   kafka.sh tool CLASS ARGS…   one of Kafka's own tools, e.g. org.apache.kafka.tools.consumer.group.ConsumerGroupCommand
#
# Settings: KAFKA_PORT (19092; the controller takes the next one), KAFKA_DIR (data, log, pid; default below the cache),
# GOGOBE_CACHE (~/.cache/gogobe).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$here/kafka-pom.xml")
cache=${GOGOBE_CACHE:-$HOME/.cache/gogobe}
jars=$cache/kafka-$version/lib
port=${KAFKA_PORT:-19092}
dir=${KAFKA_DIR:-$cache/run/kafka-$port}
pid_file=$dir/broker.pid

fetch() {
  if [ -f "$jars/.complete" ]; then return; fi
  mkdir -p "$jars"
  mvn -q -B -f "$here/kafka-pom.xml" dependency:copy-dependencies -DoutputDirectory="$jars"
  touch "$jars/.complete"
}

tool() { java -Xmx256m -cp "$jars/*" "$@"; }

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

runs() { [ -f "$pid_file" ] && kill -0 "$(cat "$pid_file")" 2>/dev/null; }

write_properties() {
  cat >"$dir/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$dir/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=10
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
message.max.bytes=9437184
replica.fetch.max.bytes=9437184
auto.create.topics.enable=false
PROPERTIES
}

start() {
  if runs && answers; then return; fi
  fetch
  mkdir -p "$dir"
  write_properties
  if [ ! -f "$dir/data/meta.properties" ]; then
    tool kafka.tools.StorageTool format -t "$(tool kafka.tools.StorageTool random-uuid 2>/dev/null | tail -1)" \
      -c "$dir/server.properties" >"$dir/format.log" 2>&1
  fi
  nohup java -Xmx512m -cp "$jars/*" kafka.Kafka "$dir/server.properties" >"$dir/broker.log" 2>&1 &
  echo $! >"$pid_file"
  for _ in $(seq 1 240); do
    # An open port is not enough: the controller must have elected itself.
    if answers && tool org.apache.kafka.tools.TopicCommand --bootstrap-server "127.0.0.1:$port" --list >/dev/null 2>&1; then
      return
    fi
    if ! runs; then break; fi
    sleep 0.25
  done
  echo "Kafka did not start; the end of $dir/broker.log:" >&2
  tail -20 "$dir/broker.log" >&2
  exit 1
}

stop() {
  runs || return 0
  local pid
  pid=$(cat "$pid_file")
  kill "-$1" "$pid"
  for _ in $(seq 1 80); do
    if ! kill -0 "$pid" 2>/dev/null; then break; fi
    sleep 0.25
  done
  if kill -0 "$pid" 2>/dev/null; then kill -KILL "$pid"; fi
  rm -f "$pid_file"
}

case "${1:-}" in
  start) start ;;
  stop) stop TERM ;;
  kill) stop KILL ;;
  tool) shift && fetch && tool "$@" ;;
  *) sed -n '2,12p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
esac
