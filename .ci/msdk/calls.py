"""All twelve calls, by the client that openapi-python-client has generated, to the stand-in. Ends with 0 if each succeeds and
its answer has the types of the description."""

import hashlib
import os
import pkgutil
import time

import msdk_client.api
from msdk_client import Client, models
from msdk_client.api.auth import check_token, refresh_token
from msdk_client.api.profile import report_battle, report_score, vip
from msdk_client.api.relation import friends, friends_profile, profiles, user_info
from msdk_client.api.share import share_game_message, share_message, upload_picture

URL, APPID, APPKEY, OPENID, ACCESS_TOKEN, REFRESH_TOKEN = (
    os.environ["MSDK_" + name] for name in ("URL", "APPID", "APPKEY", "OPENID", "ACCESS_TOKEN", "REFRESH_TOKEN")
)
client = Client(base_url=URL, raise_on_unexpected_status=True)
called = set()


def call(api, answer_type, body):
    """Makes one call, signed, and returns its answer, which must be a success."""
    name = api.__name__.rsplit(".", 1)[-1]
    serial = f"serial_{len(called)}"
    now = int(time.time())
    answer = api.sync(
        client=client,
        body=body,
        timestamp=now,
        appid=APPID,
        sig=hashlib.md5(f"{APPKEY}{now}".encode()).hexdigest(),
        openid=OPENID,
        encode=1,
        conn=1,
        msdk_ext_info=serial,
    )
    assert type(answer) is answer_type, f"{name}: {answer}"
    assert answer.ret == 0 and answer.msdk_ext_info == serial, f"{name}: {answer}"
    print(f"{name}: ret {answer.ret} {answer.msg}")
    called.add(name)
    return answer


tokens = call(
    refresh_token,
    models.RefreshTokenResponse,
    models.RefreshTokenRequest(appid=APPID, refresh_token=REFRESH_TOKEN),
)
assert tokens.openid == OPENID and tokens.expires_in == 7200, tokens
token = tokens.access_token

call(check_token, models.Status, models.CheckTokenRequest(access_token=token, openid=OPENID))

openids = call(friends, models.FriendsResponse, models.FriendsRequest(openid=OPENID, access_token=token)).openids
assert openids and all(isinstance(openid, str) for openid in openids), openids
friend = openids[0]

for answer in (
    call(
        friends_profile,
        models.ProfilesResponse,
        models.FriendsProfileRequest(access_token=token, openid=OPENID),
    ),
    call(
        profiles,
        models.ProfilesResponse,
        models.ProfilesRequest(access_token=token, openids=openids),
    ),
):
    assert sorted(profile.openid for profile in answer.lists) == sorted(openids), answer
    assert all(type(profile) is models.Profile and profile.sex is not None for profile in answer.lists), answer

user = call(
    user_info,
    models.UserInfoResponse,
    models.UserInfoRequest(appid=APPID, openid=OPENID, access_token=token),
)
assert isinstance(user.nickname, str) and isinstance(user.privilege, list), user

picture = bytes(range(256))
media = call(
    upload_picture,
    models.UploadPictureResponse,
    models.UploadPictureRequest(
        flag=1,
        appid=APPID,
        secret=APPKEY,
        access_token="",
        type_="thumb",
        filename="b.jpg",
        filelength=len(picture),
        content_type="image/jpeg",
        binary="".join(f"%{byte:02X}" for byte in picture),
    ),
)
assert media.media_id and media.created_at.isdigit(), media

call(
    share_message,
    models.Status,
    models.ShareMessageRequest(
        openid=OPENID,
        fopenid=friend,
        access_token=token,
        extinfo="round=7",
        title="I am ahead",
        description="Are you coming?",
        media_tag_name="challenge",
        thumb_media_id=media.media_id,
    ),
)
call(
    share_game_message,
    models.Status,
    models.ShareGameMessageRequest(
        access_token=token,
        openid=OPENID,
        appid=APPID,
        touser=friend,
        msgtype=models.ShareGameMessageRequestMsgtype.IMAGE,
        title="I am ahead",
        content="Are you coming?",
        type_info=models.TypeInfo(picurl="http://127.0.0.1/b.jpg", width=180, height=180),
        button=models.Button(
            type_=models.ButtonType.RANK,
            name="The leaderboard",
            rankview=models.RankView(title="This week", button_name="Play", message_ext="round=7"),
        ),
    ),
)

call(
    report_score,
    models.Status,
    models.ReportScoreRequest(appid=APPID, grant_type="client_credential", openid=OPENID, score="7", expires="0"),
)


def battle(openid, score, plane):
    return models.Battle(
        baseinfo=models.BaseInfo(openid=openid, platid=1, partitionid="9", level=2),
        battleinfo=models.BattleInfo(score=score, iswin=True, acttime="2014-09-24 13:10:45"),
        userdefined=models.BattleUserdefined.from_dict({"plane": {"name": "warplane", "value": plane}}),
    )


for reports in (battle(OPENID, 9, "Seraph"), [battle(OPENID, 10, 3), battle(friend, 2**53 + 1, "Seraph")]):
    call(report_battle, models.Status, models.ReportBattleRequest(appid=APPID, openid=OPENID, json=reports))

levels = call(
    vip,
    models.VIPResponse,
    models.VIPRequest(appid=APPID, openid=OPENID, access_token=token, json=models.VIPQuery(optype=1)),
)
assert levels.data.vipinfo[0].openid == OPENID, levels
assert all(type(level) is models.VIPInfo and isinstance(level.level, int) for level in levels.data.vipinfo), levels

generated = {
    module.name.rsplit(".", 1)[-1]
    for module in pkgutil.walk_packages(msdk_client.api.__path__, "msdk_client.api.")
    if not module.ispkg
}
assert called == generated and len(called) == 12, generated ^ called
