// SPDX-License-Identifier: GPL-2.0-only
//
// node browser.js RUN CASES: drives Chromium through the cases, JSON, against the
// servers of a guest, whose offers and answers are files in the folder RUN.  TAP.
'use strict';
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const { chromium } = require(process.env.PLAYWRIGHT);

const [run, file] = process.argv.slice(2);
const slow = Number(process.env.KDTLS_TIMEOUT_SCALE || 1);
const MB = 1 << 20;
let number = 0, bad = 0, names = 0;

const sleep = ms => new Promise(done => setTimeout(done, ms));

function result(good, text, why) {
	number++;
	if (!good) {
		bad++;
		for (const line of String(why).split('\n'))
			console.log('# ' + line);
	}
	console.log(`${good ? 'ok' : 'not ok'} ${number} - ${text}`);
}

function limit(promise, seconds, what) {
	let timer;

	return Promise.race([promise, new Promise((_, fail) => {
		timer = setTimeout(() => fail(new Error(`${what}: no end in ${seconds * slow} s`)),
				   seconds * slow * 1000);
	})]).finally(() => clearTimeout(timer));
}

function check(ok, what) {
	if (!ok)
		throw new Error(what);
}

async function launch(features) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'webrtc-'));
	const context = await chromium.launchPersistentContext(dir, {
		executablePath: process.env.CHROMIUM,
		headless: true,
		timeout: 120000 * slow,
		args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking',
		       '--disable-component-update', '--disable-sync', '--no-first-run',
		       '--disable-quic', '--no-pings', '--disable-domain-reliability',
		       '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
		       '--allow-loopback-in-peer-connection',
		       '--use-fake-device-for-media-stream',
		       '--use-fake-ui-for-media-stream',
		       '--autoplay-policy=no-user-gesture-required',
		       '--disable-features=' +
		       ['WebRtcHideLocalIpsWithMdns', ...features].join(',')],
	});
	const page = context.pages()[0] || await context.newPage();

	await page.goto('about:blank');
	await page.addScriptTag({ path: path.join(__dirname, 'page.js') });
	return { page, close: async () => {
		await context.close();
		fs.rmSync(dir, { recursive: true, force: true });
	} };
}

// By way of the folder.
async function answer(server, offer) {
	const name = `peer${++names}`, base = path.join(run, server, name);

	fs.writeFileSync(base + '.new', offer);
	fs.renameSync(base + '.new', base + '.offer');
	for (;;) {
		if (fs.existsSync(base + '.answer'))
			return fs.readFileSync(base + '.answer', 'utf8');
		await sleep(100);
	}
}

async function connect(page, server, labels, media) {
	const id = `p${++names}`;
	const offer = await page.evaluate(([id, labels, media]) => {
		peers[id] = new Peer(labels, media);
		return peers[id].offer();
	}, [id, labels, media]);
	const sdp = await limit(answer(server, offer), 30, 'answer');

	await limit(page.evaluate(([id, sdp]) => peers[id].connect(sdp), [id, sdp]),
		    60, 'connection');
	return id;
}

const call = (page, id, what, arg) =>
	page.evaluate(([id, what, arg]) => peers[id][what](arg), [id, what, arg]);

async function traffic(page, c) {
	const id = await connect(page, c.server, ['echo', 'sink', 'source', 'stat']);
	const before = await call(page, id, 'stat');
	let start = Date.now(), text;
	const took = () => {
		const ms = Date.now() - start;

		start = Date.now();
		return `${(ms / 1000).toFixed(1)} s`;
	};
	const times = [];

	check(await limit(call(page, id, 'echo', c.echo), 120, 'echo') == c.echo,
	      'echo: wrong messages');
	times.push(`echo of ${c.echo}: ${took()}`);
	if (c.bulk) {
		text = await limit(call(page, id, 'sink', c.bulk), 300, 'sink');
		check(text == `${c.bulk} 0`, `sink: ${text}`);
		times.push(`${c.bulk / MB} MB there: ${took()}`);
		text = await limit(call(page, id, 'source', c.bulk), 300, 'source');
		check(text == `${c.bulk} 0`, `source: ${text}`);
		times.push(`and back: ${took()}`);
	}
	const t = await call(page, id, 'transport');
	const after = await call(page, id, 'stat');

	console.log(`# ${times.join(', ')}`);
	console.log(`# ${after.version.toString(16)} ${after.suite}; browser: ${t.tlsVersion} ${t.dtlsCipher} ${t.dtlsRole}; records ${after.rx} in, ${after.tx} out`);
	check(t.tlsVersion.toLowerCase() == c.version, `browser: version ${t.tlsVersion}`);
	check(t.dtlsCipher == after.suite && after.suite.includes(c.suite),
	      `suites: ${t.dtlsCipher}, ${after.suite}`);
	check(t.dtlsRole == (c.active ? 'server' : 'client'), `role ${t.dtlsRole}`);
	// An SCTP packet has 1191 bytes at most, and a message a packet at least.
	check(after.rx_bytes - before.rx_bytes >= c.bulk &&
	      after.tx_bytes - before.tx_bytes >= c.bulk &&
	      after.rx - before.rx >= Math.max(c.bulk / 1191, 100) &&
	      after.tx - before.tx >= Math.max(c.bulk / 1191, 100),
	      `peer's counters: ${JSON.stringify(after)}`);
	// The same of the whole kernel.
	check(after.RxRecords - before.RxRecords >= after.rx - before.rx &&
	      after.TxRecords - before.TxRecords >= after.tx - before.tx &&
	      after.RxDropAuth == before.RxDropAuth,
	      `counters: ${JSON.stringify([before, after])}`);
	await call(page, id, 'close');
}

// Many on the one socket of a server: half of them go, and come back.
async function crowd(page, c) {
	const labels = ['echo', 'stat'];
	const all = n => Promise.all([...Array(n)].map(() => connect(page, c.server, labels)));
	const echo = async ids => {
		const good = await limit(Promise.all(ids.map(
			id => call(page, id, 'echo', c.echo))), 120, 'echoes');

		check(good.every(n => n == c.echo), `echoes: ${good}`);
	};
	const peers = async (id, n) => {
		let stat;

		do {
			await sleep(200);
			stat = await call(page, id, 'stat');
		} while (stat.peers != n);
		return stat;
	};
	let ids = await all(c.peers);
	const before = await limit(peers(ids[0], c.peers), 30, 'all peers');

	await echo(ids);
	const gone = ids.splice(c.peers / 2);

	// An alert of each, under its keys (RFC 8827 6.5, RFC 6347 4.1.2.7).
	await Promise.all(gone.map(id => call(page, id, 'close')));
	const after = await limit(peers(ids[0], ids.length), 30, 'close');

	check(after.RxAlerts + after.RxCloseNotify >=
	      before.RxAlerts + before.RxCloseNotify + gone.length,
	      `alerts: ${JSON.stringify(after)}`);
	ids = ids.concat(await all(gone.length));
	await limit(peers(ids[0], c.peers), 30, 'all peers again');
	await echo(ids);
	await Promise.all(ids.map(id => call(page, id, 'close')));
}

// Sound and messages on one socket.
async function media(page, c) {
	const id = await connect(page, c.server, ['echo', 'stat'], true);
	let heard;

	check(await limit(call(page, id, 'echo', c.echo), 120, 'echo') == c.echo,
	      'echo: wrong messages');
	await limit((async () => {
		do {
			await sleep(300);
			heard = await call(page, id, 'heard');
		} while (!heard || heard.packetsReceived < 200 ||
			 !heard.totalAudioEnergy);
	})(), 120, 'sound');
	check(await limit(call(page, id, 'echo', c.echo), 120, 'echo') == c.echo,
	      'echo: wrong messages');
	const t = await call(page, id, 'transport');
	const stat = await call(page, id, 'stat');

	console.log(`# ${t.tlsVersion} ${t.dtlsCipher} ${t.srtpCipher}; ${heard.packetsReceived} packets back, ${heard.packetsLost} lost, energy ${heard.totalAudioEnergy}`);
	check(t.srtpCipher == c.srtp, `browser: ${t.srtpCipher}`);
	check(stat.srtp == c.profile, `profile ${stat.srtp}`);
	check(stat.echoed >= heard.packetsReceived, `echoed ${stat.echoed}`);
	await call(page, id, 'close');
}

// What the server says to an offer by HTTP.
function post(port, headers, body) {
	return new Promise((done, fail) => {
		const r = http.request({ host: '127.0.0.1', port, path: '/offer',
					 method: 'POST', headers }, answer => {
			answer.resume();
			done(answer.statusCode);
		});

		r.on('error', fail);
		r.end(body);
	});
}

// By hand: connect, a message, throughput.
async function people(browser, c) {
	const page = await browser.context().newPage();
	const shows = (id, what) => limit(page.waitForFunction(
		([id, what]) => new RegExp(what).test(document.getElementById(id).textContent),
		[id, what], { timeout: 0, polling: 200 }), 120, what);
	const own = `http://127.0.0.1:${c.port}`;

	await limit(page.goto(own + '/'), 60, 'page');
	await page.click('#connect');
	await shows('state', '^connected$');
	await limit(page.waitForFunction(() => !document.getElementById('send').disabled,
					 null, { timeout: 0, polling: 200 }), 60, 'channel');
	await page.fill('#text', 'good day');
	await page.press('#text', 'Enter');
	await shows('log', '> good day\n< good day\n');
	await page.click('#speed');
	await shows('rate', 'there [0-9.]+ Mbit/s, back [0-9.]+ Mbit/s');
	console.log('# ' + await page.textContent('#rate'));
	await page.close();
	check(await post(c.port, { Origin: own }, 'no offer') == 400, 'no offer');
	check(await post(c.port, { Origin: 'http://example.org' }, 'no offer') == 403,
	      'a page of somebody else');
	check(await post(c.port, {}, 'x'.repeat(70000)) == 413, 'a long one');
}

const kinds = { traffic, crowd, media, people };

(async () => {
	const groups = JSON.parse(fs.readFileSync(file, 'utf8'));

	while (!fs.existsSync(path.join(run, 'ready')))
		await sleep(200);
	for (const group of groups) {
		const browser = await limit(launch(group.off), 120, 'Chromium');

		for (const c of group.cases) {
			try {
				await kinds[c.kind](browser.page, c);
				result(true, c.name);
			} catch (e) {
				result(false, c.name, e.stack || e);
			}
		}
		await browser.close();
	}
	console.log(`1..${number}`);
	process.exit(bad ? 1 : 0);
})().catch(e => {
	console.log('Bail out! ' + (e.stack || e));
	process.exit(1);
});
